{{- if .Values.flytescheduler.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "flytescheduler" "annotations" .Values.flytescheduler.serviceAccount.annotations) }}
{{- include "flyte.deployment" (dict "root" $ "name" "flytescheduler" "image" (printf "%s:%s" .Values.flytescheduler.image.repository .Values.flytescheduler.image.tag)) }}
{{- end }}
{{- if .Values.datacatalog.enabled }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "datacatalog" "annotations" .Values.datacatalog.serviceAccount.annotations) }}
{{- include "flyte.deployment" (dict "root" $ "name" "datacatalog" "replicas" .Values.datacatalog.replicaCount "image" (printf "%s:%s" .Values.datacatalog.image.repository .Values.datacatalog.image.tag)) }}
{{- end }}
{{- if .Values.flyteconsole.enabled }}
{{- include "flyte.deployment" (dict "root" $ "name" "flyteconsole" "account" "default" "replicas" .Values.flyteconsole.replicaCount "image" (printf "%s:%s" .Values.flyteconsole.image.repository .Values.flyteconsole.image.tag)) }}
{{- end }}
