//! The tables, as the SQLite migrations make them. Generated; see `diesel.toml`.

diesel::table! {
    active_instance (id) {
        id -> Integer,
        holder -> Text,
        holder_epoch -> BigInt,
        epoch -> BigInt,
        pinged_at -> BigInt,
        since_at -> BigInt,
    }
}

diesel::table! {
    adapters (pk) {
        pk -> BigInt,
        version -> BigInt,
        system -> Nullable<BigInt>,
        registration -> Nullable<BigInt>,
        name -> Text,
        mac -> Text,
        description -> Nullable<Text>,
        enable_dhcp -> Bool,
        shared_mac -> Bool,
    }
}

diesel::table! {
    aliases (pk) {
        pk -> BigInt,
        version -> BigInt,
        registration -> BigInt,
        fqdn -> Text,
        target -> Text,
        ttl -> Nullable<BigInt>,
        description -> Nullable<Text>,
    }
}

diesel::table! {
    attributes (node_uuid, name, value) {
        node_uuid -> Text,
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    build_data (id) {
        id -> BigInt,
        node_uuid -> Text,
        node_name -> Nullable<Text>,
        task_id -> Nullable<Text>,
        run_id -> Nullable<Text>,
        generator -> Text,
        data_format -> Text,
        collected_us -> BigInt,
        document_id -> BigInt,
    }
}

diesel::table! {
    change_sets (id) {
        id -> Text,
        committed_us -> BigInt,
        generation -> BigInt,
        asker -> Nullable<Text>,
        request_id -> Nullable<Text>,
        comment -> Nullable<Text>,
        source -> Nullable<Text>,
        format -> Text,
        digest -> Text,
        summary -> Text,
        answer -> Nullable<Binary>,
    }
}

diesel::table! {
    changes (change_set, number) {
        change_set -> Text,
        number -> BigInt,
        committed_us -> BigInt,
        kind -> Text,
        pk -> BigInt,
        system_pk -> BigInt,
        label -> Text,
        op -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

diesel::table! {
    data_removals (node_uuid) {
        node_uuid -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    documents (id) {
        id -> BigInt,
        digest -> Text,
        used_at -> BigInt,
        codec -> SmallInt,
        size_bytes -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    import_orders (task_id) {
        task_id -> Text,
        manner -> Text,
        codec -> SmallInt,
        size_bytes -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    instances (name) {
        name -> Text,
        epoch -> BigInt,
        uuid -> Text,
        address -> Text,
        version -> Text,
        started_at -> BigInt,
        heartbeat_at -> BigInt,
    }
}

diesel::table! {
    introspection_data (node_uuid, processed) {
        node_uuid -> Text,
        processed -> Bool,
        stored_at -> BigInt,
        place -> Text,
        digest -> Nullable<Text>,
        document_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    inventory_state (id) {
        id -> SmallInt,
        generation -> BigInt,
        next_pk -> BigInt,
        linked_generation -> BigInt,
        linked_build -> BigInt,
    }
}

diesel::table! {
    lookups (pk) {
        pk -> BigInt,
        kind -> Text,
        name -> Text,
    }
}

diesel::table! {
    nodes (uuid) {
        uuid -> Text,
        version -> BigInt,
        state -> Text,
        state_since -> BigInt,
        deadline_at -> Nullable<BigInt>,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        manage_boot -> Bool,
        run_id -> Text,
        last_event -> Text,
        posted_digest -> Nullable<Text>,
        posted_answered -> Bool,
        token_digest -> Nullable<Text>,
        owner -> Nullable<Text>,
        owner_epoch -> Nullable<BigInt>,
    }
}

diesel::table! {
    object_attributes (pk) {
        pk -> BigInt,
        version -> BigInt,
        owner_kind -> Text,
        owner -> BigInt,
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    object_views (owner, view) {
        owner -> BigInt,
        view -> BigInt,
    }
}

diesel::table! {
    options (node_uuid, name) {
        node_uuid -> Text,
        name -> Text,
        value -> Nullable<Text>,
    }
}

diesel::table! {
    power_jobs (node_uuid) {
        node_uuid -> Text,
        run_id -> Text,
        created_at -> BigInt,
        attempts -> Integer,
        due_at -> BigInt,
    }
}

diesel::table! {
    registered_nodes (uuid) {
        uuid -> Text,
        name -> Nullable<Text>,
        power_state -> Nullable<Text>,
        document -> Text,
    }
}

diesel::table! {
    registered_ports (uuid) {
        uuid -> Text,
        node_uuid -> Text,
        address -> Text,
        pxe_enabled -> Bool,
        document -> Text,
    }
}

diesel::table! {
    registrations (pk) {
        pk -> BigInt,
        version -> BigInt,
        system -> BigInt,
        name -> Text,
        fqdn -> Text,
        ip_str -> Nullable<Text>,
        family -> Nullable<SmallInt>,
        address -> Nullable<Binary>,
        ttl -> Nullable<BigInt>,
        description -> Nullable<Text>,
        decommissioned -> Bool,
    }
}

diesel::table! {
    result_message (task_id, seq) {
        task_id -> Text,
        seq -> BigInt,
        message -> Text,
        error -> Bool,
        level -> Text,
        context_type -> Text,
        context -> Text,
        ts_us -> BigInt,
        extra -> Text,
    }
}

diesel::table! {
    rule_actions (id) {
        id -> Integer,
        rule -> Text,
        action -> Text,
        params -> Text,
    }
}

diesel::table! {
    rule_conditions (id) {
        id -> Integer,
        rule -> Text,
        op -> Text,
        multiple -> Text,
        invert -> Bool,
        field -> Text,
        params -> Text,
    }
}

diesel::table! {
    rules (uuid) {
        uuid -> Text,
        created_at -> BigInt,
        sequence -> BigInt,
        description -> Nullable<Text>,
        scope -> Nullable<Text>,
        priority -> Nullable<BigInt>,
        disabled -> Bool,
    }
}

diesel::table! {
    rules_generation (id) {
        id -> SmallInt,
        generation -> BigInt,
    }
}

diesel::table! {
    run_attributes (run_id, name, value) {
        run_id -> Text,
        node_uuid -> Text,
        name -> Text,
        value -> Text,
        kept_until -> BigInt,
    }
}

diesel::table! {
    runs (id) {
        id -> Text,
        node_uuid -> Text,
        kind -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        error -> Nullable<Text>,
        power -> Nullable<Text>,
        plan -> Nullable<Binary>,
        timeline -> Nullable<Binary>,
    }
}

diesel::table! {
    sightings (kind, value, node_uuid) {
        kind -> Text,
        value -> Text,
        node_uuid -> Text,
        detail -> Text,
        first_us -> BigInt,
        last_us -> BigInt,
        present -> Bool,
    }
}

diesel::table! {
    system_node_links (system_pk, node_uuid) {
        system_pk -> BigInt,
        node_uuid -> Text,
        state -> Text,
        evidence -> Text,
        detail -> Text,
        since_us -> BigInt,
    }
}

diesel::table! {
    systems (pk) {
        pk -> BigInt,
        version -> BigInt,
        uuid -> Text,
        hostname -> Text,
        serial -> Nullable<Text>,
        asset_tag -> Nullable<Text>,
        oob_ip -> Nullable<Text>,
        notes -> Nullable<Text>,
        rack_order -> Nullable<BigInt>,
        switch_ports -> Nullable<Text>,
        patch_panel_port -> Nullable<Text>,
        oob_switch_port -> Nullable<Text>,
        purchase_date -> Nullable<Text>,
        purchase_price -> Nullable<Text>,
        change_password -> Nullable<Text>,
        warranty_start -> Nullable<Text>,
        warranty_end -> Nullable<Text>,
        operating_system -> Nullable<BigInt>,
        server_model -> Nullable<BigInt>,
        allocation -> Nullable<BigInt>,
        system_rack -> Nullable<BigInt>,
        system_type -> Nullable<BigInt>,
        system_status -> Nullable<BigInt>,
        node_uuid -> Nullable<Text>,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    task_entities (task_id, retry, entity) {
        task_id -> Text,
        retry -> Integer,
        entity -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    task_links (task_id, position) {
        task_id -> Text,
        position -> Integer,
        rel -> Text,
        href -> Text,
    }
}

diesel::table! {
    tasks (id) {
        id -> Text,
        parent_id -> Nullable<Text>,
        action -> Text,
        status -> Text,
        result_status -> Text,
        result_message -> Nullable<Text>,
        result_reason -> Nullable<Text>,
        retry -> Integer,
        max_retry -> Integer,
        expanded -> Integer,
        requeued -> Integer,
        design_ref -> Nullable<Text>,
        design_digest -> Nullable<Text>,
        node_filter -> Nullable<Text>,
        request_context -> Nullable<Text>,
        node_uuid -> Nullable<Text>,
        node_name -> Nullable<Text>,
        rack -> Nullable<Text>,
        run_id -> Nullable<Text>,
        observed -> Integer,
        created_us -> BigInt,
        created_by -> Nullable<Text>,
        updated_us -> BigInt,
        started_us -> Nullable<BigInt>,
        finished_us -> Nullable<BigInt>,
        terminate_us -> Nullable<BigInt>,
        terminated_by -> Nullable<Text>,
        owner -> Nullable<Text>,
        owner_epoch -> Nullable<BigInt>,
        next_seq -> BigInt,
        version -> BigInt,
    }
}

diesel::joinable!(import_orders -> tasks (task_id));
diesel::joinable!(attributes -> nodes (node_uuid));
diesel::joinable!(build_data -> documents (document_id));
diesel::joinable!(changes -> change_sets (change_set));
diesel::joinable!(introspection_data -> documents (document_id));
diesel::joinable!(introspection_data -> nodes (node_uuid));
diesel::joinable!(options -> nodes (node_uuid));
diesel::joinable!(registered_ports -> registered_nodes (node_uuid));
diesel::joinable!(result_message -> tasks (task_id));
diesel::joinable!(rule_actions -> rules (rule));
diesel::joinable!(rule_conditions -> rules (rule));
diesel::joinable!(task_entities -> tasks (task_id));
diesel::joinable!(task_links -> tasks (task_id));

diesel::allow_tables_to_appear_in_same_query!(
    active_instance,
    adapters,
    aliases,
    attributes,
    build_data,
    change_sets,
    changes,
    data_removals,
    documents,
    import_orders,
    instances,
    introspection_data,
    inventory_state,
    lookups,
    nodes,
    object_attributes,
    object_views,
    options,
    power_jobs,
    registered_nodes,
    registered_ports,
    registrations,
    result_message,
    rule_actions,
    rule_conditions,
    rules,
    rules_generation,
    run_attributes,
    runs,
    sightings,
    system_node_links,
    systems,
    task_entities,
    task_links,
    tasks,
);
