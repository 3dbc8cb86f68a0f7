-- Names in functions and rights on functions, applied last: whatever file created them.

-- No function finds other names because of the search_path of its caller.
do $$
declare
    function regprocedure;
begin
    for function in
        select oid from pg_proc p where pronamespace = 'public'::regnamespace and prosqlbody is null
            and not exists (select from unnest(proconfig) setting where setting like 'search_path=%')
            and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')
            and pg_has_role(current_user, proowner, 'usage')
    loop
        execute format('alter function %s set search_path = pg_catalog, public, pg_temp', function);
    end loop;
end $$;

-- A trigger runs its function without any right of its role. A role that could execute a function with the owner's rights might
-- attach it to a table of its own and forge the feed.
do $$
declare
    function regprocedure;
begin
    for function in
        select oid from pg_proc p where pronamespace = 'public'::regnamespace and pg_has_role(current_user, proowner, 'usage')
            and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')
    loop
        execute format('revoke execute on function %s from public, archstats_sensor, archstats_shots, archstats_push, '
            'archstats_api, archstats_operator', function);
    end loop;
end $$;

grant execute on function public_state, utc_of_boot, is_not_before to archstats_push;
-- Landings in no shot are dated as their sessions are.
grant execute on function utc_of_boot to archstats_operator, archstats_api;
-- Arrows that wait for the assembler are compared as it does.
grant execute on function is_not_before to archstats_api;
-- Used by the views of the centre.
grant execute on function hub_lane, hub_device to archstats_push;
-- A reader of the feed or of the readings notices rows of another server first.
grant execute on function has_foreign_xids, heal_foreign_xids to archstats_shots, archstats_push, archstats_operator;
grant execute on function end_foreign_lock_holders to archstats_shots;
grant execute on function expire_commands to archstats_sensor, archstats_operator, archstats_api;
-- An import notes tags that were programmed elsewhere, and so does a client of the API.
grant execute on function mark_programmed_elsewhere to archstats_operator, archstats_api;
grant execute on function remove_arrow to archstats_api;
grant execute on function lock_device to archstats_operator, archstats_api;
