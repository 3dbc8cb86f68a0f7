-- Sessions, targets, faces and slots that operators delete, and sessions that they open again, as the assembler learns of them.

create function record_deletion_of_session() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update session_changes set revision = revision + 1, xid = pg_current_xact_id() where session_id = old.id;
    perform record_session_changes(array(
        select id from sessions where lane = old.lane and number > old.number order by number limit 1));
    return null;
end $$;
comment on function record_deletion_of_session is 'Raises the revision of a deleted session, so that the assembler forgets it, and of the lane''s next session, which follows another one now.';
create trigger sessions_record_deletion after delete on sessions
    for each row execute function record_deletion_of_session();

-- For tables with a column session_id. A session that is deleted itself is no longer found.
create function record_deletion_of_owner() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array[old.session_id]);
    return null;
end $$;
comment on function record_deletion_of_owner is 'Raises the revision of the session that a deleted row belonged to.';
create trigger targets_record_deletion after delete on targets
    for each row execute function record_deletion_of_owner();
create trigger slots_record_deletion after delete on slots
    for each row execute function record_deletion_of_owner();

create function record_deletion_of_face() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(select session_id from targets where id = old.target_id));
    return null;
end $$;
comment on function record_deletion_of_face is 'Raises the revision of the session whose target carried a deleted face.';
create trigger faces_record_deletion after delete on faces
    for each row execute function record_deletion_of_face();

create function assign_devices_again() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- A device that left the lane meanwhile belongs to the sessions of another one since then.
    update session_devices d
        set until = v.lane_since, until_mono_ns = v.lane_since_mono_ns, until_host_boot_id = v.lane_since_host_boot_id
        from devices v where v.id = d.device_id and d.session_id = new.id and d.until is null and v.lane <> new.lane;
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
        select new.id, v.id, v.kind, v.lane_since, v.lane_since_mono_ns, v.lane_since_host_boot_id
        from devices v where v.lane = new.lane
            and not exists (select from session_devices d
                where d.session_id = new.id and d.device_id = v.id and d.until is null)
        on conflict do nothing;
    return null;
end $$;
comment on function assign_devices_again is 'Assigns the lane''s present devices to a session that is opened again.';
create trigger sessions_assign_devices_again after update on sessions
    for each row when (not old.is_opened and new.is_opened) execute function assign_devices_again();

comment on column shots.slot_id is 'Slot of the archer: by the bow, else the session''s only slot, else by the face that was hit; null where none says so.';
