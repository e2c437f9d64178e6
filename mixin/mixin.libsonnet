// Monitoring mixin: the shipped alert rules and dashboards, with settings. With the settings as they
// are, it renders exactly the shipped files. README.md says how to use it.
//
// The rules are read from the shipped file, so that there is one text of them. A setting replaces
// its text there; deploy/tests/mixin.py checks that each setting finds its text once.

// Thresholds as they stand in the rules.
local shipped = {
  usersCutOff: 25,
  usersCutOffOfShare: 3,
  shareCutOff: 0.1,
  usersCutOffOfSmall: 2,
  shareCutOffOfSmall: 0.5,
  smallFleet: 20,
  workspacesLeft: 0.1,
  outagesRepeated: 3,
  outageAgents: 10,
  versions: 2,
  agentOutSeconds: 86400,
  subAgentOutSeconds: 600,
  buildsFailed: 5,
  buildsFailedShare: 0.5,
  jobsUnmatched: 1,
  jobPendingSeconds: 1800,
  startingWorkspaces: 5,
  startingShare: 0.05,
  startingSeconds: 1800,
  appsUnhealthyShare: 0.2,
  appsUnhealthy: 5,
  workspacesWithoutAgent: 1,
  heartbeatAge: 0.8,
  disagreements: 3,
  restarts: 3,
};

local text = importstr '../alerts/coder-agent-exporter.rules.yaml';

{
  _config+:: {
    // Selects the exporter's own series of the scrape, such as `up`.
    exporterSelector: 'job="coder-agent-exporter"',
    // The share of the time for which an expected agent is available.
    objective: 0.995,
    // Where alerts/runbooks can be read when no exporter serves them.
    runbookUrl: 'https://coder-agent-exporter.example',
    grafanaUrl: 'https://grafana.example',
    // What your routes call the severities.
    severities: { critical: 'critical', warning: 'warning', info: 'info', none: 'none' },
    // Names of alerts to leave out.
    disabled: [],
    // Labels of every alert.
    labels: {},
    // `for` of alerts by name, and by severity where a name has two.
    lasting: {},
    // See the rules for what each is about.
    thresholds: shipped,
  },

  // Rule, text before the number and after it. Internal.
  _texts:: {
    usersCutOff: ['CoderUsersCutOff', ':max\n    >= ', '  # users\n  or\n'],
    usersCutOffOfShare: ['CoderUsersCutOff', '(\n    deployment:coder_incident_lost_users:max\n      >= ', '  # users\n    and\n    deployment:coder_incident_lost_agents:ratio\n      >= 0.1'],
    shareCutOff: ['CoderUsersCutOff', '>= ', '  # of the most agents'],
    usersCutOffOfSmall: ['CoderUsersCutOff', 'deployment:coder_incident_lost_users:max\n      >= ', '  # users\n    and\n    deployment:coder_incident_lost_agents:ratio\n      >= 0.5'],
    shareCutOffOfSmall: ['CoderUsersCutOff', '>= ', '  # of them'],
    smallFleet: ['CoderUsersCutOff', '< ', '  # agents: a small fleet'],
    workspacesLeft: ['CoderNoData', '< ', '  # of the workspaces'],
    outagesRepeated: ['CoderOutagesRepeated', '>= ', '  # changes'],
    outageAgents: ['deployment:coder_incident_lost_agents:large', '>= bool ', '  # agents'],
    versions: ['CoderUpgrading', '>= ', '  # versions'],
    agentOutSeconds: ['CoderAgentOut', '>= ', '  # seconds\nor'],
    subAgentOutSeconds: ['CoderAgentOut', '"disconnected|terminated"}\n)\n  >= ', '  # seconds'],
    buildsFailed: ['CoderBuildsFailing', '>= ', '    # workspaces of'],
    buildsFailedShare: ['CoderBuildsFailing', '>= ', '  # of the template'],
    jobsUnmatched: ['CoderBuildsStuck', '>= ', '  # job that'],
    jobPendingSeconds: ['CoderBuildsStuck', '>= ', '  # seconds'],
    startingWorkspaces: ['CoderBuildsStuck', '>= ', '  # workspaces'],
    startingShare: ['CoderBuildsStuck', '>= ', '  # of all workspaces'],
    startingSeconds: ['CoderBuildsStuck', '>= ', '  # for so many seconds'],
    appsUnhealthyShare: ['CoderAppsUnhealthy', '>= ', "  # of the template's apps"],
    appsUnhealthy: ['CoderAppsUnhealthy', '>= ', '    # apps'],
    workspacesWithoutAgent: ['CoderWorkspacesWithoutAgent', '>= ', '  # workspaces'],
    heartbeatAge: ['CoderHeartbeatsLate', '>= ', '  # of the inactivity timeout'],
    disagreements: ['CoderProbeDisagreement', '>= ', '  # agents'],
    restarts: ['CoderExporterUnreliable', '>= ', '  # restarts'],
  },

  local config = $._config,
  local texts = $._texts,
  local name(rule) = if 'alert' in rule then rule.alert else rule.record,

  local threshold(expr, key) =
    local found = texts[key];
    std.strReplace(
      expr,
      found[1] + '%g' % shipped[key] + found[2],
      found[1] + '%g' % config.thresholds[key] + found[2]
    ),

  local expr(rule) =
    local of = [key for key in std.objectFields(texts) if texts[key][0] == name(rule)];
    local limited = std.foldl(threshold, of, rule.expr);
    local selected = std.strReplace(limited, 'job="coder-agent-exporter"', config.exporterSelector);
    if name(rule) == 'deployment:coder_agent_availability:objective'
    then std.strReplace(selected, '0.995', '%g' % config.objective)
    else selected,

  local changed(rule) =
    local severity = rule.labels.severity;
    local key = rule.alert + '.' + severity;
    if 'alert' in rule then rule {
      expr: expr(rule),
      'for': std.get(config.lasting, key, std.get(config.lasting, rule.alert, super['for'])),
      labels+: { severity: config.severities[severity] } + config.labels,
    } else rule { expr: expr(rule) },

  local addressed(text) = std.strReplace(
    std.strReplace(text, 'https://coder-agent-exporter.example', config.runbookUrl),
    'https://grafana.example',
    config.grafanaUrl
  ),

  prometheusAlerts+:: {
    groups: [
      group {
        rules: [
          changed(rule)
          for rule in group.rules
          if !('alert' in rule && std.member(config.disabled, rule.alert))
        ],
      }
      for group in std.parseYaml(addressed(text)).groups
    ],
  },
  // Recording rules stand in the same groups, in front of the alerts that use them.
  prometheusRules+:: { groups: [] },

  grafanaDashboards+:: {
    'fleet.json': std.parseJson(addressed(importstr '../dashboards/fleet.json')),
    'service.json': std.parseJson(addressed(importstr '../dashboards/service.json')),
    'agent.json': std.parseJson(addressed(importstr '../dashboards/agent.json')),
    'probe.json': std.parseJson(addressed(importstr '../dashboards/probe.json')),
    'exporter.json': std.parseJson(addressed(importstr '../dashboards/exporter.json')),
  },

  // For the Prometheus operator.
  prometheusRule(name='coder-agent-exporter', labels={}):: {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: name, labels: labels },
    spec: $.prometheusAlerts,
  },
}
