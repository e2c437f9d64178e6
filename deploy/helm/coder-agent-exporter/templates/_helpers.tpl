{{/* Name of everything of this release. */}}
{{- define "exporter.fullname" -}}
{{- if contains "coder-agent-exporter" .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-coder-agent-exporter" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods. The name never varies: it becomes the job that the alerts know. */}}
{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: coder-agent-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "exporter.fullname" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "exporter.image" -}}
{{- $repository := required "set image.repository: where the image of coder-agent-exporter is" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/*
Is the process there? Never whether the database answers: a pod that is not ready for that leaves
the Service, and then nobody can ask it what is wrong. `/metrics` says coder_exporter_up 0.
*/}}
{{- define "exporter.probe" -}}
{{- if eq .Values.webConfig.probe "tcp" -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: /-/healthy
  port: http
  scheme: {{ .Values.webConfig.scheme }}
{{- end }}
periodSeconds: 10
timeoutSeconds: 5
{{- end -}}

{{/* A text of ours with the addresses that stand in it as examples replaced. */}}
{{- define "exporter.addresses" -}}
{{- .text
  | replace "https://coder-agent-exporter.example" (.values.prometheusRule.runbookUrl | trimSuffix "/")
  | replace "https://grafana.example" (.values.prometheusRule.grafanaUrl | trimSuffix "/") -}}
{{- end -}}
