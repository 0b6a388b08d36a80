{{- if .Values.flytescheduler.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "flytescheduler" "annotations" .Values.flytescheduler.serviceAccount.annotations) }}
{{- $auth := include "flyte.auth" . | fromYaml }}
{{- include "flyte.deployment" (dict "root" $ "name" "flytescheduler" "podAnnotations" .Values.flytescheduler.podAnnotations
  "image" (printf "%s:%s" .Values.flytescheduler.image.repository .Values.flytescheduler.image.tag) "mounts" $auth.mounts "volumes" $auth.volumes) }}
{{- end }}
{{- if .Values.datacatalog.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "datacatalog" "annotations" .Values.datacatalog.serviceAccount.annotations) }}
{{- include "flyte.deployment" (dict "root" $ "name" "datacatalog" "replicas" .Values.datacatalog.replicaCount "image" (printf "%s:%s" .Values.datacatalog.image.repository .Values.datacatalog.image.tag)) }}
{{- end }}
{{- if .Values.flyteconsole.enabled }}
{{- include "flyte.deployment" (dict "root" $ "name" "flyteconsole" "account" "default" "replicas" .Values.flyteconsole.replicaCount "image" (printf "%s:%s" .Values.flyteconsole.image.repository .Values.flyteconsole.image.tag)) }}
{{- end }}
