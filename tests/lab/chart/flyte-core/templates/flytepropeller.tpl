{{- $propeller := .Values.flytepropeller }}
{{- $webhook := .Values.webhook }}
{{- $auth := .Values.secrets.adminOauthClientCredentials }}
{{- if $propeller.enabled }}
{{- if $propeller.createCRDs }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: flyteworkflows.flyte.lyft.com}
spec:
  group: flyte.lyft.com
  names: {kind: FlyteWorkflow, plural: flyteworkflows, shortNames: [fly], singular: flyteworkflow}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
{{- end }}
{{- $port := index .Values.configmap.core.propeller "prof-port" }}
{{- $common := dict "image" (include "lab.image" $propeller) "imagePullPolicy" $propeller.image.pullPolicy }}
{{- include "lab.account" (dict "root" $ "name" "flytepropeller" "account" $propeller.serviceAccount) }}
{{- include "lab.role" (dict "root" $ "name" "flytepropeller" "role" (printf "%s-flytepropeller" .Release.Namespace) "rules" $propeller.serviceAccount.rbacRules) }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-propeller-config" "data" (include "lab.data.propeller" .)) }}
{{- $command := list "flytepropeller" "--config" $propeller.configPath }}
{{- with $propeller.clusterName }}
{{- $command = concat $command (list "--propeller.cluster-id" (tpl . $)) }}
{{- end }}
{{- with $propeller.extraArgs }}
{{- $command = concat $command . }}
{{- end }}
{{- $mounts := list (dict "name" "config-volume" "mountPath" "/etc/flyte/config") }}
{{- $volumes := list (dict "name" "config-volume" "projected" (dict "sources" (list (dict "configMap" (dict "name" "flyte-propeller-config"))))) }}
{{- if $auth.enabled }}
{{- $mounts = append $mounts (dict "name" "auth" "mountPath" "/etc/secrets/") }}
{{- $volumes = append $volumes (dict "name" "auth" "secret" (dict "secretName" $auth.secretName)) }}
{{- end }}
{{- $environment := concat (include "lab.podenv" . | fromYamlArray) ($propeller.podEnv | default list) }}
{{- $container := dict "name" "flytepropeller" "command" $command "env" $environment "resources" $propeller.resources
  "ports" (list (dict "containerPort" ($port | int))) "volumeMounts" (concat $mounts $propeller.additionalVolumeMounts)
  "terminationMessagePolicy" $propeller.terminationMessagePolicy }}
{{- include "lab.deployment" (dict "root" $ "name" "flytepropeller" "account" "flytepropeller" "replicas" $propeller.replicaCount "values" $propeller
  "config" (include "lab.data.propeller" .) "prometheus" $port "containers" (list (merge $container $common))
  "volumes" (concat $volumes $propeller.additionalVolumes)) }}
{{- if $webhook.enabled }}
---
# Filled by the webhook's init container.
apiVersion: v1
kind: Secret
metadata: {name: flyte-pod-webhook, namespace: {{ .Release.Namespace }}}
type: Opaque
{{- include "lab.account" (dict "root" $ "name" "flyte-pod-webhook" "account" $webhook.serviceAccount) }}
{{- include "lab.role" (dict "root" $ "name" "flyte-pod-webhook" "role" (printf "%s-flyte-pod-webhook" .Release.Namespace) "rules" $webhook.serviceAccount.rbacRules) }}
{{- include "lab.service" (dict "root" $ "name" "flyte-pod-webhook" "annotations" $webhook.service.annotations
  "ports" (list (dict "name" "https" "port" 443 "targetPort" 9443))) }}
{{- $config := dict "name" "config-volume" "mountPath" "/etc/flyte/config" }}
{{- $certificates := dict "name" "webhook-certs" "mountPath" "/etc/webhook/certs" "readOnly" true }}
{{- $environment = concat (include "lab.podenv" . | fromYamlArray) ($webhook.podEnv | default list) }}
{{- $init := dict "name" "generate-secrets" "command" (list "flytepropeller") "args" (list "webhook" "init-certs" "--config" "/etc/flyte/config/*.yaml")
  "env" $environment "volumeMounts" (list $config) }}
{{- $container = dict "name" "webhook" "command" (list "flytepropeller") "args" (list "webhook" "--config" "/etc/flyte/config/*.yaml")
  "env" $environment "resources" $webhook.resources "ports" (list (dict "containerPort" 9443))
  "volumeMounts" (list (merge (dict "readOnly" true) $config) $certificates) }}
{{- $labels := merge (dict "app.kubernetes.io/name" "flyte-pod-webhook" "app.kubernetes.io/version" $propeller.image.tag) $webhook.podLabels }}
{{- include "lab.deployment" (dict "root" $ "name" "flyte-pod-webhook" "account" "flyte-pod-webhook" "values" (merge (dict "podLabels" $labels) $webhook)
  "config" (include "lab.data.propeller" .) "prometheus" $port "init" (list (merge $init $common)) "containers" (list (merge $container $common))
  "volumes" (list
    (dict "name" "config-volume" "configMap" (dict "name" "flyte-propeller-config"))
    (dict "name" "webhook-certs" "secret" (dict "secretName" "flyte-pod-webhook")))) }}
{{- end }}
{{- end }}
