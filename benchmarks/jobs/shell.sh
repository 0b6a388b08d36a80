#!/usr/bin/env bash
# The same job with kubectl and flytectl: the guide's own commands in a loop. No plan, no check mode, no safety.
# Input: lines "<name> <context> <namespace>" in $PLANES, one file "<project> <domain> <workflow> <label>" in $LABELS.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
declare -a literals=()
while read -r name context namespace; do
  "$KUBECTL" --context "$context" -n "$namespace" apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Secret
metadata:
  name: flyteadmin-token
  namespace: $namespace
  annotations: {kubernetes.io/service-account.name: flyteadmin}
type: kubernetes.io/service-account-token
EOF
  token=""
  while [ -z "$token" ]; do
    token=$("$KUBECTL" --context "$context" -n "$namespace" get secret flyteadmin-token -o jsonpath='{.data.token}')
  done
  base64 -d <<<"$token" >"$scratch/${name}_token"
  "$KUBECTL" --context "$context" -n "$namespace" get secret flyteadmin-token -o jsonpath='{.data.ca\.crt}' | base64 -d >"$scratch/${name}_cacert"
  literals+=("--from-file=$scratch/${name}_token" "--from-file=$scratch/${name}_cacert")
done <"$PLANES"
"$KUBECTL" --context controlplane -n flyte-bench create secret generic cluster-credentials "${literals[@]}" --dry-run=client -o yaml |
  "$KUBECTL" --context controlplane apply --server-side --force-conflicts -f - >/dev/null # its annotation would be too long from some 90 planes on
while read -r project domain workflow label; do
  printf 'project: %s\ndomain: %s\nworkflow: %s\nvalue: %s\n' "$project" "$domain" "$workflow" "$label" >"$scratch/ecl.yaml"
  "$FLYTECTL" --config "$FLYTECTL_CONFIG" update execution-cluster-label --attrFile "$scratch/ecl.yaml" --force >/dev/null
done <"$LABELS"
