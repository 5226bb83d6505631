-- The operators' record of their hosts. Keys are given out by inventory_state, one sequence for all kinds; who writes
-- raises its generation, so that what was planned against another state is never written. Links to nodes are up to date
-- with linked_generation and with the build data up to linked_build.
CREATE TABLE inventory_state (
    id SMALLINT PRIMARY KEY NOT NULL,
    generation BIGINT NOT NULL,
    next_pk BIGINT NOT NULL,
    linked_generation BIGINT NOT NULL,
    linked_build BIGINT NOT NULL,
    CONSTRAINT inventory_state_is_one CHECK (id = 1)
);

-- Names that records refer to: statuses, types, models, racks, allocations, operating systems, views.
CREATE TABLE lookups (
    pk BIGINT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT lookups_unique UNIQUE (kind, name)
);

-- rack_order is in hundredths; dates are text, so that they sort.
CREATE TABLE systems (
    pk BIGINT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    uuid TEXT NOT NULL,
    hostname TEXT NOT NULL,
    serial TEXT,
    asset_tag TEXT,
    oob_ip TEXT,
    notes TEXT,
    rack_order BIGINT,
    switch_ports TEXT,
    patch_panel_port TEXT,
    oob_switch_port TEXT,
    purchase_date TEXT,
    purchase_price TEXT,
    change_password TEXT,
    warranty_start TEXT,
    warranty_end TEXT,
    operating_system BIGINT REFERENCES lookups (pk),
    server_model BIGINT REFERENCES lookups (pk),
    allocation BIGINT REFERENCES lookups (pk),
    system_rack BIGINT REFERENCES lookups (pk),
    system_type BIGINT REFERENCES lookups (pk),
    system_status BIGINT REFERENCES lookups (pk),
    node_uuid TEXT,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    CONSTRAINT systems_uuid_unique UNIQUE (uuid),
    CONSTRAINT systems_hostname_unique UNIQUE (hostname),
    CONSTRAINT systems_node_unique UNIQUE (node_uuid),
    CONSTRAINT systems_warranty_in_order CHECK (warranty_start <= warranty_end)
);
CREATE INDEX systems_by_serial ON systems (serial) WHERE serial IS NOT NULL;
CREATE INDEX systems_by_lower_serial ON systems (lower(serial));
CREATE INDEX systems_by_asset_tag ON systems (asset_tag) WHERE asset_tag IS NOT NULL;
CREATE INDEX systems_by_oob_ip ON systems (oob_ip) WHERE oob_ip IS NOT NULL;
CREATE INDEX systems_by_status ON systems (system_status, hostname);
CREATE INDEX systems_by_rack ON systems (system_rack, rack_order);

-- The address is text as it is shown, and family and 16 bytes as it is compared.
CREATE TABLE registrations (
    pk BIGINT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    system BIGINT NOT NULL REFERENCES systems (pk),
    name TEXT NOT NULL,
    fqdn TEXT NOT NULL,
    ip_str TEXT,
    family SMALLINT,
    address BLOB,
    ttl BIGINT,
    description TEXT,
    decommissioned BOOLEAN NOT NULL,
    CONSTRAINT registrations_name_unique UNIQUE (system, name),
    CONSTRAINT registrations_address_whole CHECK ((ip_str IS NULL) = (family IS NULL) AND (ip_str IS NULL) = (address IS NULL)),
    CONSTRAINT registrations_has_address CHECK (ip_str IS NOT NULL OR decommissioned)
);
CREATE UNIQUE INDEX registrations_by_address ON registrations (family, address, fqdn);
CREATE INDEX registrations_by_fqdn ON registrations (fqdn);
CREATE INDEX registrations_by_text ON registrations (ip_str) WHERE ip_str IS NOT NULL;

-- A MAC is unique among systems in use unless it is shared, which no index can say.
CREATE TABLE adapters (
    pk BIGINT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    system BIGINT REFERENCES systems (pk),
    registration BIGINT REFERENCES registrations (pk),
    name TEXT NOT NULL,
    mac TEXT NOT NULL,
    description TEXT,
    enable_dhcp BOOLEAN NOT NULL,
    shared_mac BOOLEAN NOT NULL,
    CONSTRAINT adapters_have_one_place CHECK ((system IS NULL) <> (registration IS NULL)),
    CONSTRAINT adapters_name_unique UNIQUE (registration, name),
    CONSTRAINT adapters_name_unique_in_system UNIQUE (system, name)
);
CREATE INDEX adapters_by_mac ON adapters (mac);

CREATE TABLE aliases (
    pk BIGINT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    registration BIGINT NOT NULL REFERENCES registrations (pk),
    fqdn TEXT NOT NULL,
    target TEXT NOT NULL,
    ttl BIGINT,
    description TEXT,
    CONSTRAINT aliases_fqdn_unique UNIQUE (fqdn)
);
CREATE INDEX aliases_by_registration ON aliases (registration);

-- Free pairs of a system, registration or adapter.
CREATE TABLE object_attributes (
    pk BIGINT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT object_attributes_unique UNIQUE (owner, owner_kind, key),
    CONSTRAINT object_attributes_owner_known CHECK (owner_kind IN ('system', 'registration', 'adapter'))
);
CREATE INDEX object_attributes_by_key ON object_attributes (key, value);

-- The views that a registration or an alias is seen in.
CREATE TABLE object_views (
    owner BIGINT NOT NULL,
    view BIGINT NOT NULL REFERENCES lookups (pk),
    PRIMARY KEY (owner, view)
);
CREATE INDEX object_views_by_view ON object_views (view);

-- Who changed the inventory, and why.
CREATE TABLE change_sets (
    id TEXT PRIMARY KEY NOT NULL,
    committed_us BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    asker TEXT,
    request_id TEXT,
    comment TEXT,
    source TEXT,
    format TEXT NOT NULL,
    digest TEXT NOT NULL,
    summary TEXT NOT NULL,
    answer BLOB
);
CREATE INDEX change_sets_by_generation ON change_sets (generation);
CREATE INDEX change_sets_by_time ON change_sets (committed_us);
CREATE INDEX change_sets_by_asker ON change_sets (asker, committed_us);

-- What became of each object; before and after are JSON. They outlive the object.
CREATE TABLE changes (
    change_set TEXT NOT NULL REFERENCES change_sets (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    committed_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    pk BIGINT NOT NULL,
    system_pk BIGINT NOT NULL,
    label TEXT NOT NULL,
    op TEXT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (change_set, number)
);
CREATE INDEX changes_by_system ON changes (system_pk, committed_us, number);
CREATE INDEX changes_by_time ON changes (committed_us, change_set, number);

-- Which system is which node, and by what that is known.
CREATE TABLE system_node_links (
    system_pk BIGINT NOT NULL,
    node_uuid TEXT NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    detail TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    PRIMARY KEY (system_pk, node_uuid),
    CONSTRAINT system_node_links_state_known CHECK (state IN ('linked', 'suggested', 'conflict', 'history'))
);
CREATE INDEX system_node_links_by_node ON system_node_links (node_uuid);
CREATE INDEX system_node_links_by_state ON system_node_links (state, system_pk);

INSERT INTO lookups (pk, kind, name) VALUES
    (1, 'view', 'public'), (2, 'view', 'private'),
    (3, 'system_status', 'building'), (4, 'system_status', 'production'), (5, 'system_status', 'spare'),
    (6, 'system_status', 'decommissioned'),
    (7, 'system_type', 'Server'), (8, 'system_type', 'Virtual Server');
INSERT INTO inventory_state (id, generation, next_pk, linked_generation, linked_build) VALUES (1, 1, 101, 1, 0);
