{{- $admin := .Values.flyteadmin }}
{{- $labelled := gt (len .Values.configmap.clusters.labelClusterMap) 0 }}
{{- if or $admin.enabled $admin.serviceAccount.alwaysCreate }}
{{- include "lab.account" (dict "root" $ "name" "flyteadmin" "account" $admin.serviceAccount) }}
{{- if $admin.serviceAccount.rbac }}
{{- $role := printf "%s-flyteadmin" .Release.Namespace }}
{{- include "lab.role" (dict "root" $ "name" "flyteadmin" "role" $role "binding" (printf "%s-binding" $role) "rules" (list $admin.serviceAccount.rbacRules)) }}
{{- end }}
{{- end }}
{{- if $admin.enabled }}
---
apiVersion: v1
kind: Secret
metadata: {name: flyte-admin-secrets, namespace: {{ .Release.Namespace }}}
type: Opaque
stringData: {{- tpl (toYaml $admin.secrets) $ | nindent 2 }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-admin-clusters-config" "app" "flyteadmin" "data" (include "lab.data.clusters" .)) }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-admin-base-config" "app" "flyteadmin" "data" (include "lab.data.admin" .)) }}
{{- include "lab.service" (dict "root" $ "name" "flyteadmin" "type" $admin.service.type "annotations" $admin.service.annotations "ports" (list
  (dict "name" "http" "port" 80 "targetPort" 8088)
  (dict "name" "grpc" "port" 81 "targetPort" 8089)
  (dict "name" "redoc" "port" 87 "targetPort" 8087)
  (dict "name" "http-metrics" "port" 10254))) }}
{{- $database := list }}
{{- $databaseVolume := list }}
{{- with .Values.common.databaseSecret.name }}
{{- $database = list (dict "name" . "mountPath" "/etc/db") }}
{{- $databaseVolume = list (dict "name" . "secret" (dict "secretName" .)) }}
{{- end }}
{{- $program := list "flyteadmin" "--config" $admin.configPath }}
{{- $common := dict "image" (include "lab.image" $admin) "imagePullPolicy" $admin.image.pullPolicy }}
{{- $base := append $database (dict "name" "base-config-volume" "mountPath" "/etc/flyte/config") }}
{{- $config := dict "name" "clusters-config-volume" "mountPath" "/etc/flyte/config" }}
{{- $secrets := dict "name" "admin-secrets" "mountPath" "/etc/secrets/" }}
{{- $init := list (merge (dict "name" "run-migrations" "command" (concat $program (list "migrate" "run")) "volumeMounts" $base) $common) }}
{{- with $admin.initialProjects }}
{{- $init = append $init (merge (dict "name" "seed-projects" "command" (concat $program (list "migrate" "seed-projects") .) "volumeMounts" $base) $common) }}
{{- end }}
{{- if and .Values.cluster_resource_manager.enabled (not .Values.cluster_resource_manager.standalone_deploy) }}
{{- $mounts := concat $database (list (dict "name" "resource-templates" "mountPath" "/etc/flyte/clusterresource/templates") $config $secrets) }}
{{- $mounts = concat $mounts (ternary $admin.additionalVolumeMounts list $labelled) }}
{{- $init = append $init (merge (dict "name" "sync-cluster-resources" "command" (concat $program (list "clusterresource" "sync")) "volumeMounts" $mounts) $common) }}
{{- end }}
{{- $make := printf "flyteadmin --config=%s secrets init --localPath /etc/scratch/secrets" $admin.configPath }}
{{- $store := printf "flyteadmin --config=%s secrets create --name flyte-admin-secrets --fromPath /etc/scratch/secrets" $admin.configPath }}
{{- $scratch := list (dict "name" "base-config-volume" "mountPath" "/etc/flyte/config") (dict "name" "scratch" "mountPath" "/etc/scratch") }}
{{- $generate := dict "name" "generate-secrets" "command" (list "/bin/sh" "-c") "args" (list (printf "%s && %s" $make $store)) "volumeMounts" $scratch
  "env" (list (dict "name" "POD_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace")))) }}
{{- $init = append $init (merge $generate $common) }}
{{- $mounts := concat $database (list (dict "name" "shared-data" "mountPath" "/srv/flyte") $config $secrets) $admin.additionalVolumeMounts }}
{{- $serve := dict "name" "flyteadmin" "command" (concat $program (list "serve")) "resources" $admin.resources "volumeMounts" $mounts }}
{{- $sources := list (dict "configMap" (dict "name" "flyte-admin-base-config")) }}
{{- $volumes := concat $databaseVolume (list
  (dict "name" "shared-data" "emptyDir" dict)
  (dict "name" "scratch" "emptyDir" dict)
  (dict "name" "base-config-volume" "projected" (dict "sources" $sources))
  (dict "name" "clusters-config-volume" "projected" (dict "sources" (append $sources (dict "configMap" (dict "name" "flyte-admin-clusters-config")))))
  (dict "name" "admin-secrets" "secret" (dict "secretName" "flyte-admin-secrets"))) }}
{{- if .Values.cluster_resource_manager.enabled }}
{{- $volumes = append $volumes (dict "name" "resource-templates" "configMap" (dict "name" "clusterresource-template")) }}
{{- end }}
{{- include "lab.deployment" (dict "root" $ "name" "flyteadmin" "account" "flyteadmin" "replicas" $admin.replicaCount "values" $admin
  "config" (cat (include "lab.data.admin" .) (include "lab.data.clusters" .))
  "init" $init "containers" (list (merge $serve $common)) "volumes" (concat $volumes $admin.additionalVolumes)) }}
{{- end }}
