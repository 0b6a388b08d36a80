{{- with .Values.secrets.adminOauthClientCredentials }}
{{- if and .enabled (not (empty .clientSecret)) }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .secretName }}
  namespace: {{ $.Release.Namespace }}
type: Opaque
stringData:
  client_secret: {{ tpl (toYaml .clientSecret) $ }}
{{- end }}
{{- end }}
