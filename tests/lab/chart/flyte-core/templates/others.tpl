{{- $auth := .Values.secrets.adminOauthClientCredentials }}
{{- $database := list }}
{{- $databaseVolume := list }}
{{- with .Values.common.databaseSecret.name }}
{{- $database = list (dict "name" . "mountPath" "/etc/db") }}
{{- $databaseVolume = list (dict "name" . "secret" (dict "secretName" .)) }}
{{- end }}
{{- with .Values.common.databaseSecret.secretManifest }}
---
{{ tpl (toYaml .) $ }}
{{- end }}
{{- if and $auth.enabled $auth.clientSecret }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ $auth.secretName }}, namespace: {{ .Release.Namespace }}}
type: Opaque
stringData:
  client_secret: {{ tpl $auth.clientSecret $ | quote }}
{{- end }}
{{- if and .Values.workflow_scheduler.enabled (eq .Values.workflow_scheduler.type "native") }}
{{- $scheduler := .Values.flytescheduler }}
{{- include "lab.account" (dict "root" $ "name" "flytescheduler" "account" $scheduler.serviceAccount) }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-scheduler-config" "app" "flytescheduler" "data" (include "lab.data.scheduler" .)) }}
{{- $mounts := append $database (dict "name" "config-volume" "mountPath" "/etc/flyte/config") }}
{{- $volumes := concat $databaseVolume (list
  (dict "name" "shared-data" "emptyDir" dict)
  (dict "name" "config-volume" "configMap" (dict "name" "flyte-scheduler-config"))) }}
{{- if $auth.enabled }}
{{- $mounts = append $mounts (dict "name" "auth" "mountPath" "/etc/secrets/") }}
{{- $volumes = append $volumes (dict "name" "auth" "secret" (dict "secretName" "flyte-secret-auth")) }}
{{- end }}
{{- $common := dict "image" (include "lab.image" $scheduler) "imagePullPolicy" $scheduler.image.pullPolicy }}
{{- $check := dict "name" "flytescheduler-check" "command" (list "flytescheduler" "precheck" "--config" $scheduler.configPath) "volumeMounts" $mounts }}
{{- $run := dict "name" "flytescheduler" "command" (list "flytescheduler" "run" "--config" $scheduler.configPath) "resources" $scheduler.resources
  "volumeMounts" (concat $mounts $scheduler.additionalVolumeMounts) }}
{{- include "lab.deployment" (dict "root" $ "name" "flytescheduler" "account" "flytescheduler" "replicas" 1 "values" $scheduler
  "config" (include "lab.data.scheduler" .) "init" (ternary (list (merge $check $common)) list $scheduler.runPrecheck)
  "containers" (list (merge $run $common)) "volumes" (concat $volumes $scheduler.additionalVolumes)) }}
{{- end }}
{{- if .Values.datacatalog.enabled }}
{{- $catalog := .Values.datacatalog }}
{{- include "lab.account" (dict "root" $ "name" "datacatalog" "account" $catalog.serviceAccount) }}
{{- include "lab.configmap" (dict "root" $ "name" "datacatalog-config" "app" "datacatalog" "data" (include "lab.data.datacatalog" .)) }}
{{- include "lab.service" (dict "root" $ "name" "datacatalog" "type" $catalog.service.type "annotations" $catalog.service.annotations "ports" (list
  (dict "name" "http-metrics" "port" (index .Values.configmap.datacatalogServer.datacatalog "profiler-port"))
  (dict "name" "grpc" "port" 89 "targetPort" .Values.configmap.datacatalogServer.application.grpcPort))) }}
{{- $mounts := append $database (dict "name" "config-volume" "mountPath" "/etc/datacatalog/config") }}
{{- $common := dict "image" (include "lab.image" $catalog) "imagePullPolicy" $catalog.image.pullPolicy }}
{{- $program := list "datacatalog" "--config" $catalog.configPath }}
{{- $migrate := dict "name" "run-migrations" "command" (concat $program (list "migrate" "run")) "volumeMounts" $mounts }}
{{- $serve := dict "name" "datacatalog" "command" (concat $program (list "serve")) "resources" $catalog.resources
  "volumeMounts" (concat $mounts $catalog.additionalVolumeMounts) }}
{{- $volumes := concat $databaseVolume (list
  (dict "name" "shared-data" "emptyDir" dict)
  (dict "name" "config-volume" "projected" (dict "sources" (list (dict "configMap" (dict "name" "datacatalog-config")))))) }}
{{- include "lab.deployment" (dict "root" $ "name" "datacatalog" "account" "datacatalog" "replicas" $catalog.replicaCount "values" $catalog
  "config" (include "lab.data.datacatalog" .) "init" (list (merge $migrate $common)) "containers" (list (merge $serve $common))
  "volumes" (concat $volumes $catalog.additionalVolumes)) }}
{{- end }}
{{- if .Values.flyteconsole.enabled }}
{{- $console := .Values.flyteconsole }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-console-config" "app" "flyteconsole" "data" (toYaml .Values.configmap.console)) }}
{{- include "lab.service" (dict "root" $ "name" "flyteconsole" "type" $console.service.type "annotations" $console.service.annotations
  "ports" (list (dict "name" "http" "port" 80 "targetPort" 8080))) }}
{{- $container := dict "name" "flyteconsole" "image" (include "lab.image" $console) "imagePullPolicy" $console.image.pullPolicy "resources" $console.resources
  "envFrom" (list (dict "configMapRef" (dict "name" "flyte-console-config"))) "volumeMounts" (list (dict "name" "shared-data" "mountPath" "/srv/flyte")) }}
{{- include "lab.deployment" (dict "root" $ "name" "flyteconsole" "replicas" $console.replicaCount "values" $console
  "config" (toYaml .Values.configmap.console) "containers" (list $container) "volumes" (list (dict "name" "shared-data" "emptyDir" dict))) }}
{{- end }}
