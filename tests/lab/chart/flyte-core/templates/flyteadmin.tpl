{{- $admin := .Values.flyteadmin }}
{{- if or $admin.enabled $admin.serviceAccount.alwaysCreate }}
{{- include "flyte.serviceAccount" (dict "root" $ "name" "flyteadmin" "annotations" $admin.serviceAccount.annotations) }}
{{- if $admin.rbac }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Namespace }}-flyteadmin
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteadmin") | nindent 4 }}
rules:
  - apiGroups: ["", flyte.lyft.com, rbac.authorization.k8s.io]
    resources: [configmaps, flyteworkflows, namespaces, pods, resourcequotas, roles, rolebindings, secrets, services, serviceaccounts, spark-role, limitranges]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .Release.Namespace }}-flyteadmin-binding
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteadmin") | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .Release.Namespace }}-flyteadmin}
subjects:
  - {kind: ServiceAccount, name: flyteadmin, namespace: {{ .Release.Namespace }}}
{{- end }}
{{- end }}
{{- if $admin.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: flyte-admin-base-config
  namespace: {{ .Release.Namespace }}
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteadmin") | nindent 4 }}
data:
  server.yaml: | {{- toYaml .Values.configmap.adminServer | nindent 4 }}
  domain.yaml: | {{- toYaml .Values.configmap.domain | nindent 4 }}
  storage.yaml: |
    storage: {{- tpl (toYaml .Values.storage) $ | nindent 6 }}
  cluster_resources.yaml: |
    cluster_resources: {{- tpl (toYaml .Values.cluster_resource_manager.config.cluster_resources) $ | nindent 6 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: flyte-admin-clusters-config
  namespace: {{ .Release.Namespace }}
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteadmin") | nindent 4 }}
data:
  clusters.yaml: |
    clusters: {{- toYaml .Values.configmap.clusters | nindent 6 }}
{{- $mounts := list
  (dict "name" "clusters-config-volume" "mountPath" "/etc/flyte/config")
  (dict "name" "resource-templates" "mountPath" "/etc/flyte/clusterresource/templates") }}
{{- $volumes := list
  (dict "name" "clusters-config-volume" "projected" (dict "sources" (list
    (dict "configMap" (dict "name" "flyte-admin-base-config"))
    (dict "configMap" (dict "name" "flyte-admin-clusters-config")))))
  (dict "name" "resource-templates" "configMap" (dict "name" "clusterresource-template")) }}
{{- include "flyte.deployment" (dict "root" $ "name" "flyteadmin" "replicas" $admin.replicaCount
  "config" (dict "a" .Values.configmap "b" .Values.cluster_resource_manager.config "c" .Values.cluster_resource_manager.templates)
  "podAnnotations" $admin.podAnnotations "resources" $admin.resources
  "image" (printf "%s:%s" $admin.image.repository $admin.image.tag)
  "initContainers" (list "run-migrations" "seed-projects" "sync-cluster-resources")
  "mounts" (concat $mounts $admin.additionalVolumeMounts) "volumes" (concat $volumes $admin.additionalVolumes)) }}
{{- end }}
