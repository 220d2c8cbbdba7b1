{{/* The services of files/services.yaml, with what values say of each. */}}
{{- define "mrv.services" -}}
{{- $servers := list -}}
{{- range .Values.mcpServers }}{{ $servers = append $servers (printf "mcp-%s" .name) }}{{ end -}}
{{- tpl (.Files.Get "files/services.yaml") (dict "Values" .Values "Template" .Template "servers" $servers) -}}
{{- end }}

{{- define "mrv.image" -}}
{{- $image := .root.Values.image -}}
{{ $image.registry }}{{ get $image .which }}:{{ $image.tag }}
{{- end }}

{{- define "mrv.labels" -}}
app.kubernetes.io/part-of: mcp-remote-vault
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{/* What every process reads. */}}
{{- define "mrv.common" -}}
PROFILE: {{ .Values.profile }}
BIND_HOST: 0.0.0.0
KEYCLOAK_URL: {{ .Values.keycloak.url }}
KEYCLOAK_PUBLIC_URL: {{ .Values.public.keycloak }}
KEYCLOAK_REALM: {{ .Values.keycloak.realm }}
VAULT_ADDR: {{ .Values.vault.url }}
VAULT_SERVICE_ACCOUNT_TOKEN: /var/run/secrets/vault/token
VAULT_SERVICE_ACCOUNT_MOUNT: {{ .Values.vault.mount }}
{{- if .Values.trust.configMap }}
SSL_CERT_FILE: &trusted /trust/{{ .Values.trust.key }}
PGSSLROOTCERT: *trusted
{{- end }}
{{- end }}

{{/* OpenTelemetry's variables of a service that has metrics. */}}
{{- define "mrv.metrics" -}}
OTEL_METRICS_EXPORTER: {{ .Values.env.OTEL_EXPORTER_OTLP_ENDPOINT | empty | ternary "prometheus" "otlp,prometheus" }}
OTEL_EXPORTER_PROMETHEUS_HOST: 0.0.0.0
OTEL_EXPORTER_PROMETHEUS_PORT: {{ .Values.monitoring.port | quote }}
{{- end }}

{{- define "mrv.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* As the restricted Pod Security Standard wants it, and a root file system that nobody writes to. */}}
{{- define "mrv.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mrv.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The one token a pod needs: for Vault, short-lived, of no use to the cluster's API. */}}
{{- define "mrv.vaultToken" -}}
- name: vault-token
  projected:
    sources: [{serviceAccountToken: {audience: {{ .Values.vault.audience }}, expirationSeconds: 600, path: token}}]
{{- end }}

{{/* The host name of an address. */}}
{{- define "mrv.host" -}}
{{- regexReplaceAll "^https?://([^:/]+).*$" . "${1}" -}}
{{- end }}

{{- define "mrv.people" -}}
- {name: people, secret: {secretName: {{ .Values.peopleSecret | default "demo-people" }}}}
{{- end }}

{{- define "mrv.trustMount" -}}
{{- if .Values.trust.configMap }}
- {name: trust, mountPath: /trust, readOnly: true}
{{- end }}
{{- end }}

{{- define "mrv.trust" -}}
{{- if .Values.trust.configMap }}
- {name: trust, configMap: {name: {{ .Values.trust.configMap }}}}
{{- end }}
{{- end }}
