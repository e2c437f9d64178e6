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
    stat("Exporters that answer", "Targets of the chosen jobs that answered Prometheus' last scrape.",
         f"sum({exporters('up')})", GREEN_IF_ANY, no_value="no exporter is scraped"),
    stat("Database answers", "Whether every exporter has an answer from Coder's database.",
         f"min({exporters('coder_exporter_up')})", GREEN_IF_ANY, unit="none", no_value="no exporter answers",
         mappings=YES_OR_NO),
    stat("Collectors that fail", "Collectors without success in the last pass; their metrics are absent.",
         f"count({exporters('coder_exporter_collector_success')})\n-\n"
         f"sum({exporters('coder_exporter_collector_success')})",
         GREEN_IF_NONE, no_value=NO_EXPORTER),
    stat("Snapshot age", "Age of the oldest answer from the database that an exporter shows. It runs up to the "
         "scrape interval; more means old numbers.",
         f"time() - min({exporters('coder_exporter_snapshot_timestamp_seconds')})",
         [("green", None), ("orange", 120), ("red", 300)], unit="s", no_value="no snapshot", decimals=0),
    stat("Scrape", "How long Prometheus waited for the slowest exporter's page. Beyond the scrape timeout nothing "
         "is known at all.",
         f"max({exporters('scrape_duration_seconds')})", SLOW, unit="s", no_value="no exporter is scraped", decimals=2),
    stat("Errors in the last hour", "Of all kinds and exporters. The kinds are below; the log says more.",
         f"sum(increase({exporters('coder_exporter_errors_total')}[1h]))", [("green", None), ("orange", 1), ("red", 10)],
         no_value=NO_EXPORTER, decimals=0),
    stat("Agents left out", "Agents without a series of their own, because of --metrics.max-agent-series. They are "
         "counted all the same.",
         f"max({exporters('coder_exporter_series_dropped')})", [("green", None), ("orange", 1)],
         no_value="unknown, or --metrics.agent-series=none"),
    stat("Configuration is current", "Whether every exporter could use its files when it last read them. If not, it "
         "goes on with the last good ones, and its log says why.",
         f"min({exporters('coder_exporter_config_last_reload_successful')})", GREEN_IF_ANY, unit="none",
         no_value="no exporter answers", mappings=YES_OR_NO),
]

UP = [
    bands("Answers Prometheus", "Whether each exporter answered the scrape.", exporters("up"), "{{instance}}",
          width=8, height=6, no_value="no exporter is scraped"),
    bands("Database answers, by exporter", "Whether each exporter had an answer from Coder's database. A gap means "
          "that the exporter itself did not answer Prometheus.",
          exporters("coder_exporter_up"), "{{instance}}", width=8, height=6, no_value=NO_EXPORTER),
    bands("Collectors succeed", "Whether each collector of each exporter succeeded. One that fails hides its own "
          "metrics and no others.",
          exporters("coder_exporter_collector_success"), "{{collector}} {{instance}}", width=8, height=6,
          no_value=NO_EXPORTER),
]

PASSES = [
    graph("Collector duration", "How long each collector took, in the slowest exporter. A collector that fails has "
          "no duration.",
          f"max by (collector) ({exporters('coder_exporter_collector_duration_seconds')})", "{{collector}}",
          width=8, height=8, unit="s", stacked=True, no_value="no collector succeeds"),
    graph("Rows read", "Rows that the database sent to each collector, in the exporter that read most. They follow "
          "the fleet, not its past.",
          f"max by (collector) ({exporters('coder_exporter_collector_rows')})", "{{collector}}", width=8, height=8,
          no_value="no collector succeeds"),
    graph("Scrape duration", "How long Prometheus waited for each exporter's page, the pass and its encoding "
          "included.",
          exporters("scrape_duration_seconds"), "{{instance}}", width=8, height=8, unit="s",
          no_value="no exporter is scraped"),
    graph("Series of a scrape", "How many samples each exporter's page had. It steps down when a collector fails, "
          "and follows the number of templates and of problem agents.",
          exporters("scrape_samples_scraped"), "{{instance}}", width=8, height=8, no_value="no exporter is scraped"),
    graph("Errors per minute", "By kind, all exporters together.",
          f"60 * sum by (kind) ({rate('coder_exporter_errors_total')})", "{{kind}}", width=8, height=8, unit="cpm",
          no_value=NO_EXPORTER),
    graph("Agents left out, by family", "Agents that found no place among --metrics.max-agent-series, by the family "
          "that lacks them.",
          f"max by (metric) ({exporters('coder_exporter_series_dropped')})", "{{metric}}", width=8, height=8,
          no_value="unknown, or --metrics.agent-series=none"),
]

CLOCKS = [
    graph("Snapshot age, by exporter", "Age of what each exporter last knew. It rises between scrapes, so it runs up "
          "to the scrape interval.",
          f"time() - {exporters('coder_exporter_snapshot_timestamp_seconds')}", "{{instance}}", width=6, height=8,
          unit="s", no_value="no snapshot", negative=True),
    graph("Clock skew", "Each exporter's clock minus the database's. Agents are judged by the database's clock alone, "
          "so this falsifies nothing; it says that one of the two machines tells the wrong time.",
          exporters("coder_exporter_clock_skew_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="unknown: the database does not answer", negative=True),
    graph("Heartbeat lead", "The newest heartbeat minus the snapshot's moment. Heartbeats are stamped by coderd's "
          "clock: above zero it runs ahead of the database's, and lost agents are noticed late.",
          exporters("coder_exporter_heartbeat_lead_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="unknown: the database does not answer, or no agent ever connected", negative=True),
    graph("Replica lag", "How far a standby that is read is behind. Agents are judged at the moment its data is true "
          "for.",
          exporters("coder_exporter_replica_lag_seconds"), "{{instance}}", width=6, height=8, unit="s",
          no_value="none: a primary is read, or unknown"),
]

WHAT_IT_IS = [
    table("What runs where", "Version of each exporter, the Coder schema it found, and since when it runs. "
          "has_chat_agent_id and its like say what that Coder has; without it a collector is off or counts less.",
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
    table("Last error of each kind", "How long ago, in the exporter where it happened last. A kind that is not here "
          "has not happened since the exporter started.",
          [f"sort(\n  time() - max by (kind) ({exporters('coder_exporter_last_error_timestamp_seconds')})\n)"],
          [("kind", "Kind"), ("Value", "Last time")],
          overrides=[counted("Last time", [("red", None), ("orange", 600), ("text", 86400)], unit="s", decimals=0)],
          no_value='None since the start, or unknown: see "Exporters that answer".', height=7, width=10),
]

PROCESS = [
    graph("Memory", "Resident memory of each exporter.", exporters("process_resident_memory_bytes"), "{{instance}}",
          width=8, height=8, unit="bytes", no_value=NO_EXPORTER),
    graph("CPU", "Processor time of each exporter: 1 is one whole processor.", rate("process_cpu_seconds_total"),
          "{{instance}}", width=8, height=8, unit="short", no_value=NO_EXPORTER),
    graph("Open files", "Share of the file descriptors that each exporter may open. Connections of clients count.",
          f"{exporters('process_open_fds')}\n/\n{exporters('process_max_fds')}", "{{instance}}", width=8, height=8,
          unit="percentunit", no_value="unknown, or without a limit"),
]

DASHBOARD = dashboard(
    EXPORTER,
    "Coder agents / Exporter",
    "Is the exporter itself well, so that the other dashboards can be believed?",
    [
        variable("job", "Job", "Scrape jobs of exporters", selector("coder_exporter_build_info", (CHOSEN_DEPLOYMENT,)),
                 "job"),
        variable("instance", "Exporter", "Exporters of these jobs",
                 selector("coder_exporter_build_info", (CHOSEN_DEPLOYMENT, 'job=~"$job"')), "instance"),
    ],
    [
        ("Now", NOW),
        ("Does it answer?", UP),
        ("Passes and pages", PASSES),
        ("Clocks", CLOCKS),
        ("What it is, and what went wrong last", WHAT_IT_IS),
        ("Process", PROCESS),
    ],
)
