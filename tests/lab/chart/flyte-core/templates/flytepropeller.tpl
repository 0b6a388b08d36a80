{{- $propeller := .Values.flytepropeller }}
{{- if $propeller.createCRDs }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: flyteworkflows.flyte.lyft.com
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
{{- if $propeller.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "flytepropeller" "annotations" $propeller.serviceAccount.annotations) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: flyte-propeller-config
  namespace: {{ .Release.Namespace }}
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flytepropeller") | nindent 4 }}
data:
  admin.yaml: | {{- tpl (toYaml .Values.configmap.admin) $ | nindent 4 }}
  catalog.yaml: | {{- toYaml .Values.configmap.catalog | nindent 4 }}
  core.yaml: |
    propeller:
      cluster-id: {{ $propeller.clusterName | quote }}
{{- $auth := include "flyte.auth" . | fromYaml }}
{{- include "flyte.deployment" (dict "root" $ "name" "flytepropeller" "replicas" $propeller.replicaCount "config" (dict "a" .Values.configmap)
  "podAnnotations" $propeller.podAnnotations "resources" $propeller.resources
  "image" (printf "%s:%s" $propeller.image.repository $propeller.image.tag)
  "env" $propeller.podEnv
  "mounts" (concat (list (dict "name" "config-volume" "mountPath" "/etc/flyte/config")) $auth.mounts)
  "volumes" (concat (list (dict "name" "config-volume" "configMap" (dict "name" "flyte-propeller-config"))) $auth.volumes)) }}
{{- end }}
{{- if .Values.webhook.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "flyte-pod-webhook" "annotations" .Values.webhook.serviceAccount.annotations) }}
{{- include "flyte.deployment" (dict "root" $ "name" "flyte-pod-webhook" "image" (printf "%s:%s" $propeller.image.repository $propeller.image.tag)) }}
{{- end }}
