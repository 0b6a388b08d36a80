{{- $ingress := .Values.common.ingress }}
{{- define "lab.path" }}
- path: {{ .path }}
  pathType: ImplementationSpecific
  backend: {service: {name: {{ .service }}, port: {{ toJson .port }}}}
{{- end }}
{{- define "lab.ingress" }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  annotations: {{- tpl (toYaml .annotations) .root | nindent 4 }}
spec:
  ingressClassName: {{ .root.Values.common.ingress.ingressClassName | quote }}
  rules:
    - host: {{ tpl (toYaml .root.Values.common.ingress.host) .root }}
      http:
        paths: {{- .paths | nindent 10 }}
  {{- if .root.Values.common.ingress.tls.enabled }}
  tls:
    - secretName: {{ .root.Values.common.ingress.tls.secretName | default (printf "%s-flyte-tls" .root.Release.Name) }}
      hosts: [{{ tpl (toYaml .root.Values.common.ingress.host) .root }}]
  {{- end }}
{{- end }}
{{- if $ingress.enabled }}
{{- $http := "" }}
{{- if $ingress.albSSLRedirect }}
{{- $http = include "lab.path" (dict "path" "/*" "service" "ssl-redirect" "port" (dict "name" "use-annotation")) }}
{{- end }}
{{- range tuple "/console" "/console/*" }}
{{- $http = cat $http (include "lab.path" (dict "path" . "service" "flyteconsole" "port" (dict "number" 80))) }}
{{- end }}
{{- range tuple "/api" "/api/*" "/healthcheck" "/v1/*" "/.well-known" "/.well-known/*" "/login" "/login/*" "/logout" "/logout/*" "/callback" "/callback/*" "/me" "/config" "/config/*" "/oauth2" "/oauth2/*" }}
{{- $http = cat $http (include "lab.path" (dict "path" . "service" "flyteadmin" "port" (dict "number" 80))) }}
{{- end }}
{{- $grpc := "" }}
{{- range tuple "flyteidl.service.SignalService" "flyteidl.service.AdminService" "flyteidl.service.DataProxyService" "flyteidl.service.AuthMetadataService" "flyteidl.service.IdentityService" "grpc.health.v1.Health" }}
{{- range tuple . (printf "%s/*" .) }}
{{- $grpc = cat $grpc (include "lab.path" (dict "path" (printf "/%s" .) "service" "flyteadmin" "port" (dict "number" 81))) }}
{{- end }}
{{- end }}
{{- if $ingress.separateGrpcIngress }}
{{- include "lab.ingress" (dict "root" $ "name" .Chart.Name "annotations" $ingress.annotations "paths" $http) }}
{{- $annotations := merge (deepCopy $ingress.annotations) $ingress.separateGrpcIngressAnnotations }}
{{- include "lab.ingress" (dict "root" $ "name" (printf "%s-grpc" .Chart.Name) "annotations" $annotations "paths" $grpc) }}
{{- else }}
{{- include "lab.ingress" (dict "root" $ "name" .Chart.Name "annotations" $ingress.annotations "paths" (cat $http $grpc)) }}
{{- end }}
{{- end }}
