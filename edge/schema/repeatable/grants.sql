-- Rights of each role, table by table. Everything not granted here is forbidden; a test demands a decision for every table.
-- Unlike a numbered migration this file may change: `db migrate` applies it again when it changed, or after any other.
-- replication.sql follows: at a centre it revokes what no service needs there. usage.sql has the rights on functions.

-- Only the owner makes tables, temporary ones included. Rights on the database itself are in no backup and no copy, so they
-- are revoked here and not in a numbered file.
revoke create on schema public from public;
do $$
begin
    execute format('revoke create, temporary on database %I from public', current_database());
end $$;

revoke all on all tables in schema public from archstats_sensor, archstats_shots, archstats_push, archstats_api, archstats_operator;
revoke all on all sequences in schema public from archstats_sensor, archstats_shots, archstats_push, archstats_api, archstats_operator;

-- Every role checks the schema and the channel.
grant select on schema_migrations, installation
    to archstats_sensor, archstats_shots, archstats_push, archstats_api, archstats_operator;

-- Boots of hosts: recorded by every program that dates instants.
grant select, insert, update (at, mono_ns, host_id) on host_boots to archstats_sensor, archstats_operator;
grant select on host_boots to archstats_shots, archstats_push;

-- Devices and readings: written by the sensor daemon.
grant select, insert,
    update (kind, driver, lane, sensor_origin, dead_time_s, lane_since, lane_since_mono_ns, lane_since_host_boot_id)
    on devices to archstats_sensor;
grant select, insert, update on device_status to archstats_sensor;
grant select, insert on device_gaps to archstats_sensor;
grant select, insert, update on stream_clocks to archstats_sensor;
grant select, insert on readings to archstats_sensor;
grant select, insert, update (kind, driver, lane, sensor_origin, dead_time_s) on devices to archstats_operator;
grant select on devices to archstats_shots, archstats_push;
grant select, insert on quarantine to archstats_sensor;
grant select, update (settled_at) on quarantine to archstats_operator;
grant select on device_status, readings to archstats_shots, archstats_push, archstats_operator;
-- The assembler detects from the shots that a bow's clock is off.
grant update (clock_off) on device_status to archstats_shots;
grant select on device_gaps to archstats_shots, archstats_push, archstats_operator;
grant select on stream_clocks to archstats_push, archstats_operator;

-- device_states is written by a trigger with the owner's rights. No service needs it.
grant select on device_states to archstats_operator;

-- Sessions and equipment: set up by operators. The assembler ends a session whose closing was requested; triggers assign devices.
grant select, insert, update on sessions to archstats_operator;
grant select, insert on targets, faces, slots, archers to archstats_operator;
-- A rescore takes the present version of a face, which may have its spots elsewhere. Its name stays.
grant update (version, x, y, radii, points, x_radius) on faces to archstats_operator;
grant select on slots to archstats_shots, archstats_push;
grant select on archers to archstats_push;
-- The tag of an arrow, and what it holds, are written by triggers when a command is requested and ends.
grant select,
    insert (id, human_identifier, length, is_programmed, is_tag_unknown, registration_date, voided_date, is_active, label_position,
        weight, diameter, spine, registered_by, void_reason, voided_by),
    update (human_identifier, length, label_position, weight, diameter, spine, is_active, voided_date, void_reason, voided_by,
        is_removed)
    on arrows to archstats_operator;
grant select, insert on end_marks to archstats_operator;
grant select on session_devices to archstats_shots, archstats_operator;
grant select, update (is_opened, end_time) on sessions to archstats_shots;
grant select on targets, faces, arrows to archstats_shots, archstats_push;
grant select on end_marks to archstats_shots;
grant select on session_changes to archstats_shots, archstats_operator;
grant select on sessions to archstats_push;

-- Derived rows: written by the assembler.
grant select, insert, update, delete on ends to archstats_shots;
grant select, insert, update on shots to archstats_shots;
grant select, update on assembly_progress to archstats_shots;
grant select on ends, shots to archstats_push, archstats_operator;
grant select on assembly_progress to archstats_operator;

-- Corrections and orphans.
grant select, insert on corrections, rescores, rescored_calibrations to archstats_operator;
grant select on rescores, rescored_calibrations to archstats_shots;
grant select on corrections to archstats_shots;
grant select, insert, update, delete on orphans to archstats_shots;
grant select on orphans to archstats_push, archstats_operator;
grant select, insert, update (done_at, shots, revised) on rebuilds to archstats_shots;
grant select, insert on rebuilds to archstats_operator;

-- Ends on paper: entered by operators, compared by everyone.
grant select, insert on paper_ends to archstats_operator;
grant select on paper_ends to archstats_push;
-- The certificate of a session, which push serves too, names what was corrected, and derives which device watched when.
grant select on session_devices, session_changes, end_marks, corrections, rescores, rescored_calibrations to archstats_push;

-- Calibrations: stored and activated by operators, applied by the assembler; a daemon sets its device to those with settings.
grant select, insert on calibrations, calibration_activations to archstats_operator;
grant select, insert, update (taken, updated_at, ended_at) on calibration_runs to archstats_operator;
grant select on calibrations, calibration_activations to archstats_sensor, archstats_shots, archstats_push;

-- Commands to devices: requested and cancelled by operators, claimed and ended by the daemon.
grant select, update (state, claimed_by, claimed_at, phase, done, total, result, error, hint, finished_at)
    on commands to archstats_sensor;
grant select on commands to archstats_push;
grant select, insert, update (cancel_requested) on commands to archstats_operator;

-- The feed: written by triggers only.
grant select on events to archstats_push, archstats_operator;
-- Old events are removed, and the newest removed one is recorded.
grant select, delete on events to archstats_shots, archstats_operator;
grant update (pruned_xid, pruned_id) on installation to archstats_shots, archstats_operator;

-- Changes by the HTTP API: what the page's operators do, through the same functions as the operator's commands. It removes no
-- event, settles no quarantine, and writes no reading, shot, orphan or calibration.
grant select, insert, update (at, mono_ns, host_id) on host_boots to archstats_api;
grant select on devices, device_status, device_gaps, readings, stream_clocks, sessions, session_devices, session_changes, targets,
    faces, slots, archers, arrows, end_marks, ends, shots, orphans, corrections, rescores, rescored_calibrations, rebuilds,
    calibrations, calibration_activations, calibration_runs, commands, assembly_progress, paper_ends
    to archstats_api;
grant insert on sessions, targets, faces, slots, archers, end_marks, corrections, calibration_activations, commands,
    paper_ends to archstats_api;
grant update (is_opened, start_time, start_mono_ns, start_host_boot_id, closing_time, closing_mono_ns, closing_host_boot_id, end_time,
    location, is_indoor, arrows_per_end, sighter_ends) on sessions to archstats_api;
grant update (cancel_requested) on commands to archstats_api;
-- A target and its faces are changed only before the first shot. What is deleted takes along what rests on it alone.
grant delete on sessions, targets, faces, archers to archstats_api;
grant update (max_x, max_y, distance) on targets to archstats_api;
grant update (human_identifier, name, code, version, x, y, radii, points, x_radius) on faces to archstats_api;
grant update (archer_id, bow_device_id, face) on slots to archstats_api;
grant update (name) on archers to archstats_api;
grant insert (id, human_identifier, length, is_programmed, is_tag_unknown, registration_date, voided_date, is_active, label_position,
        weight, diameter, spine, registered_by, void_reason, voided_by),
    update (human_identifier, length, label_position, weight, diameter, spine, registration_date, is_active, voided_date, void_reason,
        voided_by, is_removed)
    on arrows to archstats_api;
