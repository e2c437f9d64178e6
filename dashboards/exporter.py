"""The Exporter dashboard: is the exporter itself well, so that the others can be believed?"""

from board import EXPORTER, dashboard, variable
from panels import GREEN_IF_ANY, GREEN_IF_NONE, NEUTRAL, YES_OR_NO, age, bands, counted, field, graph, stat, table
from queries import CHOSEN_DEPLOYMENT, exporters, selector

NO_EXPORTER = "unknown: no exporter answers"
SLOW = [("green", None), ("orange", 5), ("red", 10)]
BY_INSTANCE = "deployment, instance"


def rate(metric):
    return f"rate({exporters(metric)}[$__rate_interval])"


NOW = [
    stat("Exporters that answer", "Targets of the selected jobs that answered the last scrape.",
         f"sum by (deployment) ({exporters('up')})", GREEN_IF_ANY, no_value="no exporter is scraped", width=4),
    stat("Agents are read", "Whether every exporter gets an answer from Coder's database and can read the agents.",
         f"min by (deployment) ({exporters('coder_exporter_up')})", GREEN_IF_ANY, unit="none", no_value="no exporter answers",
         mappings=YES_OR_NO, width=4),
    stat("Collectors that fail", "Collectors that failed in the last collection. Their metrics are absent.",
         f"count by (deployment) ({exporters('coder_exporter_collector_success')})\n-\n"
         f"sum by (deployment) ({exporters('coder_exporter_collector_success')})",
         GREEN_IF_NONE, no_value=NO_EXPORTER, width=4),
    stat("Snapshot age", "Age of the oldest data of an exporter. It rises up to the scrape interval. A higher value "
         "means old data.",
         f"time() - min by (deployment) ({exporters('coder_exporter_snapshot_timestamp_seconds')})",
         [("green", None), ("orange", 120), ("red", 300)], unit="s", no_value="no snapshot", decimals=0, width=4),
    stat("Scrape", "Scrape duration of the slowest exporter. Above the scrape timeout there is no data "
         "at all.",
         f"max by (deployment) ({exporters('scrape_duration_seconds')})", SLOW, unit="s", no_value="no exporter is scraped", decimals=2, width=4),
    stat("Errors in the last hour", "Errors of all kinds and exporters. The kinds are below; the log has details.",
         f"sum by (deployment) (increase({exporters('coder_exporter_errors_total')}[1h]))", [("green", None), ("orange", 1), ("red", 10)],
         no_value=NO_EXPORTER, decimals=0, width=4),
    stat("Omitted agents", "Agents without their own series because of --metrics.max-agent-series. They are "
         "still counted.",
         f"max by (deployment) ({exporters('coder_exporter_series_dropped')})", [("green", None), ("orange", 1)],
         no_value="unknown, or --metrics.agent-series=none", width=8),
    stat("Configuration is current", "Whether every exporter could load its configuration files. If not, it "
         "keeps the last valid ones, and its log has the reason.",
         f"min by (deployment) ({exporters('coder_exporter_config_last_reload_successful')})", GREEN_IF_ANY, unit="none",
         no_value="no exporter answers", mappings=YES_OR_NO, width=8),
    stat("Deprecated settings", "Settings in use under a name that a later version will not take. The log names them at "
         "the start of each exporter.",
         f"max by (deployment) ({exporters('coder_exporter_deprecated_settings')})", GREEN_IF_NONE,
         no_value="no exporter answers", width=8),
]

UP = [
    bands("Answers Prometheus", "Whether each exporter answered the scrape.", exporters("up"), "{{instance}}",
          width=8, height=6, no_value="no exporter is scraped"),
    bands("Agents are read, by exporter", "Whether each exporter got an answer from Coder's database and could read "
          "the agents. A gap means that the exporter did not answer Prometheus.",
          exporters("coder_exporter_up"), "{{instance}}", width=8, height=6, no_value=NO_EXPORTER),
    bands("Collectors succeed", "Whether each collector of each exporter succeeded. If a collector fails, only its own "
          "metrics are absent.",
          exporters("coder_exporter_collector_success"), "{{collector}} {{instance}}", width=8, height=6,
          no_value=NO_EXPORTER),
]

PASSES = [
    graph("Collector duration", "Duration of each collector, in the slowest exporter. A failed collector has "
          "no duration.",
          f"max by (deployment, collector) ({exporters('coder_exporter_collector_duration_seconds')})", "{{deployment}} {{collector}}",
          width=8, height=8, unit="s", stacked=True, no_value="no collector succeeds"),
    graph("Rows read", "Rows that the database returned to each collector, the maximum of all exporters. They depend on "
          "running agents, not on old builds.",
          f"max by (deployment, collector) ({exporters('coder_exporter_collector_rows')})", "{{deployment}} {{collector}}", width=8, height=8,
          no_value="no collector succeeds"),
    graph("Scrape duration", "Scrape duration of each exporter, including the collection and the encoding of the "
          "response.",
          exporters("scrape_duration_seconds"), "{{instance}}", width=8, height=8, unit="s",
          no_value="no exporter is scraped"),
    graph("Series of a scrape", "Samples per scrape of each exporter. The number drops when a collector fails, "
          "and depends on the number of templates and of problem agents.",
          exporters("scrape_samples_scraped"), "{{instance}}", width=8, height=8, no_value="no exporter is scraped"),
    graph("Errors per minute", "Errors by kind, of all exporters together.",
          f"60 * sum by (deployment, kind) ({rate('coder_exporter_errors_total')})", "{{deployment}} {{kind}}", width=8, height=8, unit="cpm",
          no_value=NO_EXPORTER),
    graph("Omitted agents, by family", "Agents without a series because of --metrics.max-agent-series, by metric "
          "family.",
          f"max by (deployment, metric) ({exporters('coder_exporter_series_dropped')})", "{{deployment}} {{metric}}", width=8, height=8,
          no_value="unknown, or --metrics.agent-series=none"),
]

CLOCKS = [
    graph("Snapshot age, by exporter", "Age of the last data of each exporter. It rises between scrapes up "
          "to the scrape interval.",
          f"time() - {exporters('coder_exporter_snapshot_timestamp_seconds')}", "{{instance}}", width=6, height=8,
          unit="s", no_value="no snapshot", negative=True),
    graph("Clock skew", "Each exporter's clock minus the database's. Status and health use only the database's clock, "
          "so they are not affected. A skew means that one of the two clocks is wrong.",
          exporters("coder_exporter_clock_skew_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="unknown: the database does not answer", negative=True),
    graph("Heartbeat lead", "The newest heartbeat minus the time of the snapshot. Heartbeats have coderd's time. Above zero, coderd's "
          "clock is ahead of the database's, and disconnected agents are noticed late.",
          exporters("coder_exporter_heartbeat_lead_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="unknown: the database does not answer, or no agent ever connected", negative=True),
    graph("Replica lag", "Replication lag of the standby that is read. Status and health use the time of the standby's "
          "data.",
          exporters("coder_exporter_replica_lag_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="none (a primary is read), or unknown"),
]

WHAT_IT_IS = [
    table("What runs where", "Version, Coder schema and uptime of each exporter. "
          "The columns from Sub-agents on show features of the schema; without one, a collector is off or counts less.",
          [
              f"time() - max by ({BY_INSTANCE}) ({exporters('process_start_time_seconds')})",
              f"max by ({BY_INSTANCE}, version) ({exporters('coder_exporter_build_info')})",
              f"max by ({BY_INSTANCE}, migration, has_agent_parent_id, has_agent_deleted, has_chat_agent_id) (\n"
              f"  {exporters('coder_exporter_schema_info')}\n)",
          ],
          [
              ("deployment", "Deployment"), ("instance", "Exporter"), ("version", "Version"), ("Value #A", "Up for"),
              ("migration", "Coder's migration"), ("has_agent_parent_id", "Sub-agents"),
              ("has_agent_deleted", "Soft delete"), ("has_chat_agent_id", "Chat bindings"),
              ("Value #B", "Build"), ("Value #C", "Schema"),
          ],
          overrides=[age("Up for"), field("Build", custom__hidden=True), field("Schema", custom__hidden=True)],
          no_value=NO_EXPORTER, height=7, width=14),
    table("Last error of each kind", "Time since the last error of each kind, in any exporter. A kind that is not listed "
          "has not occurred since the exporter started.",
          [f"sort(\n  time() - max by (deployment, kind) ({exporters('coder_exporter_last_error_timestamp_seconds')})\n)"],
          [("kind", "Kind"), ("Value", "Last time"), ("deployment", "Deployment")],
          overrides=[counted("Last time", [("red", None), ("orange", 600), ("text", 86400)], unit="s", decimals=0)],
          no_value='None since the start, or unknown: see "Exporters that answer".', height=7, width=10),
]

PROCESS = [
    graph("Memory", "Resident memory of each exporter.", exporters("process_resident_memory_bytes"), "{{instance}}",
          width=8, height=8, unit="bytes", no_value=NO_EXPORTER),
    graph("CPU", "CPU time of each exporter. 1 is one full core.", rate("process_cpu_seconds_total"),
          "{{instance}}", width=8, height=8, unit="short", no_value=NO_EXPORTER),
    graph("Open files", "Share of the file descriptor limit in use, including client connections.",
          f"{exporters('process_open_fds')}\n/\n{exporters('process_max_fds')}", "{{instance}}", width=8, height=8,
          unit="percentunit", no_value="unknown, or no limit"),
]

DASHBOARD = dashboard(
    EXPORTER,
    "Coder agents / Exporter",
    "Does the exporter work, so that the other dashboards are reliable?",
    [
        variable("job", "Job", "Scrape jobs of exporters", selector("coder_exporter_build_info", (CHOSEN_DEPLOYMENT,)),
                 "job"),
        variable("instance", "Exporter", "Exporters of these jobs",
                 selector("coder_exporter_build_info", (CHOSEN_DEPLOYMENT, 'job=~"$job"')), "instance"),
    ],
    [
        ("Now", NOW),
        ("Does it answer?", UP),
        ("Collections and scrapes", PASSES),
        ("Clocks", CLOCKS),
        ("Versions and last errors", WHAT_IT_IS),
        ("Process", PROCESS),
    ],
)
