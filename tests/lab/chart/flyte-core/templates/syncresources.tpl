{{- $manager := .Values.cluster_resource_manager }}
{{- if $manager.enabled }}
{{- $templates := "" }}
{{- range $manager.templates }}
{{- $templates = printf "%s\n%s.yaml: |%s" $templates .key (.value | nindent 2) }}
{{- end }}
{{- include "lab.configmap" (dict "root" $ "name" "clusterresource-template" "app" "flyteadmin" "data" $templates) }}
{{- include "lab.configmap" (dict "root" $ "name" "flyte-clusterresourcesync-config" "app" "flyteadmin" "data" (include "lab.data.sync" .)) }}
{{- $mounts := list
  (dict "name" "resource-templates" "mountPath" "/etc/flyte/clusterresource/templates")
  (dict "name" "config-volume" "mountPath" "/etc/flyte/config") }}
{{- $volumes := list
  (dict "name" "resource-templates" "configMap" (dict "name" "clusterresource-template"))
  (dict "name" "config-volume" "configMap" (dict "name" "flyte-clusterresourcesync-config")) }}
{{- $auth := .Values.secrets.adminOauthClientCredentials }}
{{- if not $manager.config.cluster_resources.standaloneDeployment }}
{{- with .Values.common.databaseSecret.name }}
{{- $mounts = append $mounts (dict "name" . "mountPath" "/etc/db") }}
{{- end }}
{{- else if $auth.enabled }}
{{- $mounts = append $mounts (dict "name" "auth" "mountPath" "/etc/secrets/") }}
{{- $volumes = append $volumes (dict "name" "auth" "secret" (dict "secretName" $auth.secretName)) }}
{{- end }}
{{- with .Values.common.databaseSecret.name }}
{{- $volumes = append $volumes (dict "name" . "secret" (dict "secretName" .)) }}
{{- end }}
{{- if .Values.configmap.clusters.labelClusterMap }}
{{- $mounts = append $mounts (dict "name" "cluster-secrets" "mountPath" "/var/run/credentials") }}
{{- $volumes = append $volumes (dict "name" "cluster-secrets" "secret" (dict "secretName" "cluster-credentials")) }}
{{- end }}
{{- $admin := .Values.flyteadmin }}
{{- $container := dict "name" "sync-cluster-resources" "command" (list "flyteadmin" "--config" $admin.configPath "clusterresource" "run")
  "image" (include "lab.image" $admin) "imagePullPolicy" $admin.image.pullPolicy "resources" $manager.resources "volumeMounts" $mounts }}
{{- with $manager.podEnv }}
{{- $_ := set $container "env" . }}
{{- end }}
{{- include "lab.deployment" (dict "root" $ "name" "syncresources" "app" "flyteclusterresourcesync" "account" $manager.service_account_name "replicas" 1
  "values" $manager "config" (include "lab.data.sync" .) "prometheus" $manager.prometheus.port "containers" (list $container) "volumes" $volumes) }}
{{- end }}
