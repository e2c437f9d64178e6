"""How the dashboards ask: what the reader chose, and two exporters taken for one."""

CHOSEN_DEPLOYMENT = 'deployment=~"$deployment"'
CHOSEN_TEMPLATES = (CHOSEN_DEPLOYMENT, 'organization_name=~"$organization"', 'template_name=~"$template"')
CHOSEN_WORKSPACES = ('workspace_owner=~"$owner"', 'workspace_name=~"$workspace"')
CHOSEN_EXPORTERS = (CHOSEN_DEPLOYMENT, 'job=~"$job"', 'instance=~"$instance"')

# Labels that differ between the exporters of one deployment.
OF_AN_EXPORTER = "instance, pod"
TEMPLATE = "deployment, organization_name, template_name"
AGENT = f"{TEMPLATE}, workspace_owner, workspace_name, agent_name, agent_id"

PROBLEM = "coder_agent_problem_timestamp_seconds"


def selector(metric, matchers):
    return f"{metric}{{{', '.join(matchers)}}}"


def shown(metric, *matchers):
    """A fleet metric for the deployments, organizations and templates that the reader chose."""
    return selector(metric, CHOSEN_TEMPLATES + matchers)


def fleet(metric, *matchers, offset=""):
    """The same, with two exporters that run side by side taken for one; `offset` is such as " offset 1w"."""
    return f"max without ({OF_AN_EXPORTER}) ({shown(metric, *matchers)}{offset})"


def limit(name):
    """A setting --agent.* of the exporters, in seconds, of each deployment."""
    found = selector("coder_exporter_agent_limit_seconds", (CHOSEN_DEPLOYMENT, f'limit="{name}"'))
    return f"max by (deployment) ({found})"


# An address that leads nowhere and says why.
NO_CODER_URL = "https://coder.url-is-not-set.invalid"


def with_coder_url(expr):
    """Each series with the address of its deployment's Coder in the label coder_url, for links."""
    known = selector("coder_exporter_links_info", (CHOSEN_DEPLOYMENT, 'coder_url!=""'))
    every = selector("coder_exporter_build_info", (CHOSEN_DEPLOYMENT,))
    return (
        f"{expr}\n* on (deployment) group_left (coder_url) (\n"
        f"  topk by (deployment) (1, max by (deployment, coder_url) ({known}))\n"
        f"  or on (deployment)\n"
        f'  label_replace(group by (deployment) ({every}), "coder_url", "{NO_CODER_URL}", "deployment", ".*")\n)'
    )


def probed(metric, *matchers):
    """A metric of the probe. Only one exporter dials; counts of one before it and after it may be added."""
    return selector(metric, (CHOSEN_DEPLOYMENT, *matchers))


def exporters(metric, *matchers):
    """A metric about exporters, for those that the reader chose."""
    return selector(metric, CHOSEN_EXPORTERS + matchers)


def of_agents(metric, *matchers):
    """A metric of single agents, for the workspaces that the reader chose as well."""
    return shown(metric, *CHOSEN_WORKSPACES, *matchers)


def label_values(expr, label):
    """What Grafana asks for the values of a variable."""
    return f"label_values({expr}, {label})"
