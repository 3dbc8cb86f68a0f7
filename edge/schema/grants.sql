-- Who may do what: all of it, table by table. Whatever is not named here is forbidden; a test wants every table named.
-- Unlike a numbered migration this file may change: `db migrate` applies it anew when it did, or after any other.

-- Nobody makes tables here but the owner, not even for a session's time. What belongs to the database itself comes with
-- no backup and no copy, so it is said here and not in a numbered file alone.
revoke create on schema public from public;
do $$
begin
    execute format('revoke create, temporary on database %I from public', current_database());
end $$;

revoke all on all tables in schema public from archstats_sensor, archstats_shots, archstats_push, archstats_operator;
revoke all on all sequences in schema public from archstats_sensor, archstats_shots, archstats_push, archstats_operator;

-- Everybody asks which schema and which channel this is.
grant select on schema_migrations, installation to archstats_sensor, archstats_shots, archstats_push, archstats_operator;

-- What a daemon tells of its device.
grant select, insert, update (kind, driver, lane, lane_since, lane_since_mono_ns, lane_since_boot_id)
    on devices to archstats_sensor;
grant select, insert, update on device_status to archstats_sensor;
grant select, insert on device_gaps to archstats_sensor;
grant select, insert, update on stream_clocks to archstats_sensor;
grant select, insert on readings to archstats_sensor;
grant select, insert, update (kind, driver, lane) on devices to archstats_operator;
grant select on devices to archstats_push;
grant select, insert on quarantine to archstats_sensor;
grant select, update (settled_at) on quarantine to archstats_operator;
grant select on device_status, readings to archstats_shots, archstats_push, archstats_operator;
-- Whether a bow's clock is off, only its shots tell.
grant update (clock_off) on device_status to archstats_shots;
grant select on device_gaps to archstats_shots, archstats_push, archstats_operator;
grant select on stream_clocks to archstats_operator;

-- What people set up. The assembler ends a session that was asked to close; which devices it has, triggers say.
grant select, insert, update on sessions to archstats_operator;
grant select, insert on targets, faces to archstats_operator;
grant select, insert, update on arrows to archstats_operator;
grant select, insert on end_marks to archstats_operator;
grant select on session_devices to archstats_shots, archstats_operator;
grant select, update (is_opened, end_time) on sessions to archstats_shots;
grant select on targets, faces, arrows to archstats_shots, archstats_push;
grant select on end_marks to archstats_shots;
grant select on sessions to archstats_push;

-- What is derived.
grant select, insert, update, delete on ends to archstats_shots;
grant select, insert, update on shots to archstats_shots;
grant select, update on assembly_progress to archstats_shots;
grant select on ends, shots to archstats_push, archstats_operator;
grant select on assembly_progress to archstats_operator;

-- What people decide about shots, and what waits for them.
grant select, insert on corrections to archstats_operator;
grant select on corrections to archstats_shots;
grant select, insert, update, delete on orphans to archstats_shots;
grant select on orphans to archstats_push, archstats_operator;
grant select, insert, update (done_at, shots, revised) on rebuilds to archstats_shots;
grant select, insert on rebuilds to archstats_operator;

-- The feed: written by triggers alone.
grant select on events to archstats_push, archstats_operator;
-- Old events are forgotten, and up to where is remembered.
grant select, delete on events to archstats_shots, archstats_operator;
grant update (pruned_xid, pruned_id) on installation to archstats_shots, archstats_operator;

-- A function that works with the owner's rights is for the triggers it was made for, not for a trigger on a table of
-- somebody else's.
do $$
declare
    function regprocedure;
begin
    for function in select oid from pg_proc where pronamespace = 'public'::regnamespace and prosecdef
            and pg_has_role(current_user, proowner, 'usage') loop
        execute format('revoke execute on function %s from public', function);
    end loop;
end $$;
