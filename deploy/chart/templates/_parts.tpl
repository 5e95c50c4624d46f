{{/* Names, and the parts that all pods have in common. */}}

{{- define "hatidata.name" -}}
{{- printf "%s-hatidata" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "hatidata.labels" -}}
app.kubernetes.io/name: hatidata
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "hatidata.selector" -}}
app.kubernetes.io/name: hatidata
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "hatidata.pod" -}}
automountServiceAccountToken: false
# Kubernetes would set HATIDATA_*_PORT for our own services, which the service takes for unknown settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ add .part.drainSeconds 15 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "hatidata.container" -}}
image: {{ printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "hatidata.env" -}}
- {name: HATIDATA_HOME, value: /var/lib/hatidata/home}
- {name: HATIDATA_HOST, value: 0.0.0.0}
- {name: HATIDATA_DEV_MODE, value: "false"}
- {name: HATIDATA_LOG_FORMAT, value: json}
- {name: HATIDATA_DRAIN_GRACE_SECS, value: {{ .part.drainSeconds | quote }}}
- {name: HATIDATA_GATEWAY_TOKEN_FILE, value: /etc/hatidata/gateway/token}
{{- if .root.Values.tls.existingSecret }}
- {name: HATIDATA_TLS, value: "true"}
- {name: HATIDATA_TLS_CERT, value: /etc/hatidata/tls/tls.crt}
- {name: HATIDATA_TLS_KEY, value: /etc/hatidata/tls/tls.key}
{{- end }}
{{- with .root.Values.otel.endpoint }}
- {name: HATIDATA_OTEL_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- {name: HATIDATA_{{ upper $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- define "hatidata.mounts" -}}
- {name: home, mountPath: /var/lib/hatidata}
- {name: tmp, mountPath: /tmp}
- {name: gateway-token, mountPath: /etc/hatidata/gateway, readOnly: true}
{{- if .Values.tls.existingSecret }}
- {name: tls, mountPath: /etc/hatidata/tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "hatidata.policies.mount" -}}
{{- if .Values.policies.existingConfigMap }}
- {name: policies, mountPath: /var/lib/hatidata/home/policies, readOnly: true}
{{- end }}
{{- end -}}

{{- define "hatidata.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: gateway-token
  secret:
    secretName: {{ required "gatewayToken.existingSecret names no Secret" .Values.gatewayToken.existingSecret }}
    items: [{key: token, path: token}]
    defaultMode: 0440
{{- with .Values.tls.existingSecret }}
- name: tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{- define "hatidata.policies.volume" -}}
{{- with .Values.policies.existingConfigMap }}
- name: policies
  configMap: {name: {{ . }}}
{{- end }}
{{- end -}}

{{- define "hatidata.http.probes" -}}
{{- $scheme := ternary "HTTPS" "HTTP" (ne .Values.tls.existingSecret "") -}}
startupProbe:
  httpGet: {path: /health, port: http, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health, port: http, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: {path: /ready, port: http, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
