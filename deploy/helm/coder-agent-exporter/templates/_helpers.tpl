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

{{/* Name of what belongs to a part of it: short enough whatever the release is called. */}}
{{- define "exporter.partname" -}}
{{- $room := sub 62 (len .part) | int -}}
{{- printf "%s-%s" (include "exporter.fullname" .root | trunc $room | trimSuffix "-") .part -}}
{{- end -}}

{{/* yes, where a pod of its own probes. */}}
{{- define "exporter.probes" -}}
{{- if get .Values.settings "probe.dialer" -}}
yes
{{- end -}}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
{{ include "exporter.chartLabels" . }}
{{- end -}}

{{- define "exporter.chartLabels" -}}
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
the Service, and `/metrics` could not be read. `/metrics` says coder_exporter_up 0.
*/}}
{{- define "exporter.alive" -}}
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

{{/*
The rules with the operator's changes: alerts left out, with another `for`, severity, threshold or
expression, and with more labels. A name that no alert has is an error.
*/}}
{{- define "exporter.changedRules" -}}
{{- $changes := .changes }}
{{- $known := list }}
{{- range $group := .spec.groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- if $rule.alert }}
{{- $known = append $known $rule.alert }}
{{- if not (has $rule.alert $changes.disabled) }}
{{- include "exporter.changedRule" (dict "rule" $rule "changes" $changes) }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- else }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- $_ := set $group "rules" $rules }}
{{- end }}
{{- range $name := concat $changes.disabled (keys $changes.customRules) }}
{{- if not (has $name $known) }}
{{- fail (printf "prometheusRule: no alert is called %s" $name) }}
{{- end }}
{{- end }}
{{- $groups := list }}
{{- range $group := .spec.groups }}
{{- if $group.rules }}
{{- $groups = append $groups $group }}
{{- end }}
{{- end }}
{{- toYaml (dict "groups" $groups) }}
{{- end -}}

{{/* Changes one alert in its place. A threshold is a number before two spaces and a comment. */}}
{{- define "exporter.changedRule" -}}
{{- $rule := .rule }}
{{- $custom := get .changes.customRules $rule.alert | default dict }}
{{- if hasKey $custom "for" }}
{{- $_ := set $rule "for" $custom.for }}
{{- end }}
{{- if hasKey $custom "severity" }}
{{- $_ := set $rule.labels "severity" $custom.severity }}
{{- end }}
{{- if hasKey $custom "expr" }}
{{- $_ := set $rule "expr" $custom.expr }}
{{- end }}
{{- if hasKey $custom "threshold" }}
{{- $limits := regexFindAll "[<>]=? [0-9.]+ +#" $rule.expr -1 }}
{{- if ne (len $limits) 1 }}
{{- fail (printf "prometheusRule: %s has %d thresholds: set its expr" $rule.alert (len $limits)) }}
{{- end }}
{{- $limit := printf "${1} %s${2}" (toString $custom.threshold) }}
{{- $_ := set $rule "expr" (regexReplaceAll "([<>]=?) [0-9.]+( +#)" $rule.expr $limit) }}
{{- end }}
{{- range $name, $value := .changes.additionalRuleLabels }}
{{- $_ := set $rule.labels $name $value }}
{{- end }}
{{- end -}}

{{/* How the Prometheus operator scrapes, by root and the values of a ServiceMonitor or PodMonitor. */}}
{{- define "exporter.endpoint" -}}
{{- $monitor := .monitor -}}
port: http
path: {{ get .root.Values.settings "web.telemetry-path" | default "/metrics" }}
interval: {{ $monitor.interval }}
scrapeTimeout: {{ $monitor.scrapeTimeout }}
scheme: {{ .root.Values.webConfig.scheme | lower }}
{{- $relabelings := $monitor.endpoint.relabelings | default list }}
{{- with $monitor.deployment }}
{{- $relabelings = append $relabelings (dict "targetLabel" "deployment" "replacement" .) }}
{{- end }}
{{- with $relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with omit $monitor.endpoint "relabelings" }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The annotations of a pod that serves: those for a Prometheus without the operator, and the user's. */}}
{{- define "exporter.annotations" -}}
{{- $found := dict }}
{{- if .Values.scrapeAnnotations }}
{{- $path := get .Values.settings "web.telemetry-path" | default "/metrics" }}
{{- $scheme := lower .Values.webConfig.scheme }}
{{- $found = dict "prometheus.io/scrape" "true" "prometheus.io/port" "21120" "prometheus.io/path" $path "prometheus.io/scheme" $scheme }}
{{- end }}
{{- with merge (deepCopy .Values.podAnnotations) $found }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{/*
The pod of a Deployment, by root and component (exporter, or probe): they differ in the settings of
the probe and in who has Coder's token. The container has the same name in both, for it becomes a
label of every series. The component `check` is the pod of `helm test`: it has all settings and the
token, runs `check` once, and serves nothing.
*/}}
{{- define "exporter.pod" -}}
{{- $root := .root }}
{{- $checks := eq .component "check" }}
{{- $probes := or (eq .component "probe") (and $checks (eq (include "exporter.probes" $root) "yes")) }}
{{- /* It dials for the rounds or, where there are none, for `resolve` and `wait`. */}}
{{- $token := "" }}
{{- if or $checks (eq $probes (eq (include "exporter.probes" $root) "yes")) }}
{{- $token = $root.Values.coderToken.existingSecret }}
{{- end -}}
metadata:
  {{- if $checks }}
  name: {{ include "exporter.partname" (dict "root" $root "part" "check") }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
    {{- with $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- else }}
  {{- with include "exporter.annotations" $root }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
  {{- end }}
  labels:
    {{- if $checks }}
    # Another name: no Service and no monitor shall select this pod.
    app.kubernetes.io/name: coder-agent-exporter-check
    app.kubernetes.io/instance: {{ $root.Release.Name }}
    {{- include "exporter.chartLabels" $root | nindent 4 }}
    {{- else }}
    {{- include "exporter.labels" $root | nindent 4 }}
    {{- end }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if $checks }}
  restartPolicy: Never
  {{- end }}
  serviceAccountName: {{ include "exporter.serviceAccount" $root }}
  # It asks Kubernetes nothing.
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  # It ends within 10 seconds of SIGTERM.
  terminationGracePeriodSeconds: 15
  containers:
    - name: exporter
      image: {{ include "exporter.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ $checks | ternary "check" "serve" }}]
      env:
        - name: CODER_EXPORTER_POSTGRES_URL_FILE
          value: /etc/coder-agent-exporter/postgres/url
        {{- if $token }}
        - name: CODER_EXPORTER_CODER_TOKEN_FILE
          value: /etc/coder-agent-exporter/coder/token
        {{- end }}
        {{- if $root.Values.webConfig.existingSecret }}
        - name: CODER_EXPORTER_WEB_CONFIG_FILE
          value: /etc/coder-agent-exporter/web/{{ $root.Values.webConfig.key }}
        {{- end }}
        {{- range $flag, $value := $root.Values.settings }}
        {{- if or $probes (not (hasPrefix "probe." $flag)) }}
        - name: CODER_EXPORTER_{{ $flag | replace "." "_" | replace "-" "_" | upper }}
          {{- /* Helm's numbers are floats, and a million would be 1e+06. */}}
          value: {{ kindIs "float64" $value | ternary (int64 $value) $value | toString | quote }}
        {{- end }}
        {{- end }}
        {{- with $root.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if not $checks }}
      ports:
        - name: http
          containerPort: 21120
      livenessProbe:
        {{- include "exporter.alive" $root | nindent 8 }}
      readinessProbe:
        {{- include "exporter.alive" $root | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $root.Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        # Folders, not single files: a Secret that changes arrives in the pod.
        - name: postgres
          mountPath: /etc/coder-agent-exporter/postgres
          readOnly: true
        {{- if $token }}
        - name: coder-token
          mountPath: /etc/coder-agent-exporter/coder
          readOnly: true
        {{- end }}
        {{- if $root.Values.webConfig.existingSecret }}
        - name: web-config
          mountPath: /etc/coder-agent-exporter/web
          readOnly: true
        {{- end }}
        {{- with $root.Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: postgres
      secret:
        secretName: {{ required "set postgres.existingSecret: a Secret with the URL of Coder's database" $root.Values.postgres.existingSecret }}
        defaultMode: 0440
        items:
          - key: {{ $root.Values.postgres.key }}
            path: url
    {{- if $token }}
    - name: coder-token
      secret:
        secretName: {{ $token }}
        defaultMode: 0440
        items:
          - key: {{ $root.Values.coderToken.key }}
            path: token
    {{- end }}
    {{- with $root.Values.webConfig.existingSecret }}
    - name: web-config
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- with $root.Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and $root.Values.topologySpreadConstraints (not $checks) }}
  topologySpreadConstraints:
    {{- range $root.Values.topologySpreadConstraints }}
    - {{- toYaml . | nindent 6 }}
      {{- if not .labelSelector }}
      labelSelector:
        matchLabels:
          {{- include "exporter.selectorLabels" $root | nindent 10 }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end -}}
