-- What a trigger writes in other tables it writes with the owner's rights: no module may write the feed by hand.
-- Such a function finds its tables by a fixed path, whatever the path of whoever sets it off.

alter function session_takes_lane_devices() security definer set search_path = pg_catalog, public, pg_temp;
alter function device_joins_open_session() security definer set search_path = pg_catalog, public, pg_temp;
alter function tell_shot() security definer set search_path = pg_catalog, public, pg_temp;
alter function tell_session() security definer set search_path = pg_catalog, public, pg_temp;
alter function tell_device() security definer set search_path = pg_catalog, public, pg_temp;

-- Nobody makes tables here but the owner, not even for a session's time.
revoke create on schema public from public;
do $$
begin
    execute format('revoke create, temporary on database %I from public', current_database());
end $$;
