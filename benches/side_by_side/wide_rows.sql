-- Columns that Coder has and the exporter never reads. A plan that reads whole rows pays for them.
ALTER TABLE workspace_agents
    ADD COLUMN IF NOT EXISTS auth_instance_id varchar,
    ADD COLUMN IF NOT EXISTS instance_metadata jsonb,
    ADD COLUMN IF NOT EXISTS resource_metadata jsonb,
    ADD COLUMN IF NOT EXISTS directory varchar(4096) NOT NULL DEFAULT '~/src/platform',
    -- Of three replicas of coderd.
    ALTER COLUMN last_connected_replica_id SET DEFAULT md5(floor(3 * random())::text)::uuid,
    ADD COLUMN IF NOT EXISTS troubleshooting_url text NOT NULL DEFAULT 'https://wiki.example.com/coder/troubleshooting',
    ADD COLUMN IF NOT EXISTS motd_file text NOT NULL DEFAULT '/etc/motd',
    ADD COLUMN IF NOT EXISTS expanded_directory varchar(4096) NOT NULL DEFAULT '/home/coder/src/platform',
    ADD COLUMN IF NOT EXISTS logs_length integer NOT NULL DEFAULT 4096,
    ADD COLUMN IF NOT EXISTS logs_overflowed boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS subsystems text[] DEFAULT '{envbox,exectrace}',
    ADD COLUMN IF NOT EXISTS display_apps text[] DEFAULT '{vscode,ssh_helper,port_forwarding_helper,web_terminal}',
    ADD COLUMN IF NOT EXISTS api_version text NOT NULL DEFAULT '2.7',
    ADD COLUMN IF NOT EXISTS api_key_scope text NOT NULL DEFAULT 'all';
ALTER TABLE workspace_apps
    ADD COLUMN IF NOT EXISTS icon varchar(256) NOT NULL DEFAULT '/icon/code.svg',
    ADD COLUMN IF NOT EXISTS command varchar(65534),
    ADD COLUMN IF NOT EXISTS healthcheck_url text NOT NULL DEFAULT 'http://localhost:13337/healthz',
    ADD COLUMN IF NOT EXISTS healthcheck_interval integer NOT NULL DEFAULT 5,
    ADD COLUMN IF NOT EXISTS healthcheck_threshold integer NOT NULL DEFAULT 6,
    ADD COLUMN IF NOT EXISTS subdomain boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS sharing_level text NOT NULL DEFAULT 'owner',
    ADD COLUMN IF NOT EXISTS external boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS display_order integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS hidden boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS open_in text NOT NULL DEFAULT 'slim-window';
ALTER TABLE workspaces
    ADD COLUMN IF NOT EXISTS autostart_schedule text DEFAULT 'CRON_TZ=Europe/Berlin 0 9 * * 1-5',
    ADD COLUMN IF NOT EXISTS ttl bigint DEFAULT 28800000000000,
    ADD COLUMN IF NOT EXISTS last_used_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS dormant_at timestamptz,
    ADD COLUMN IF NOT EXISTS deleting_at timestamptz,
    ADD COLUMN IF NOT EXISTS automatic_updates text NOT NULL DEFAULT 'never',
    ADD COLUMN IF NOT EXISTS favorite boolean NOT NULL DEFAULT false;

