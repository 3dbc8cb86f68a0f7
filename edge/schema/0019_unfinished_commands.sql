-- A command whose daemon ended, or never reports its end, would stay running for ever: it fails 30 s after its deadline.
-- Its daemon ends it 3 s after the deadline at the latest, so after 30 s only a daemon or a database that was away is late.

create or replace function expire_commands() returns integer language sql
    security definer set search_path = pg_catalog, public, pg_temp as $$
    with expired as (
        update commands set state = 'expired', finished_at = expires_at
        where id in (
            select id from commands where state = 'pending' and expires_at <= clock_timestamp() for update skip locked
        ) and state = 'pending'
        returning id
    ),
    unfinished as (
        update commands set state = 'failed', finished_at = clock_timestamp(),
            error = format('the daemon of %s did not report the end of the command within 30 s after its deadline', device_id),
            hint = format('Look at the daemon of %s and its log, and start it again if it has ended. The device may have carried '
                'the command out: read its settings before you request it again.', device_id)
        where id in (
            select id from commands
            where state = 'running' and claimed_at + (deadline_s + 30) * interval '1 s' <= clock_timestamp() for update skip locked
        ) and state = 'running'
        returning id
    )
    select ((select count(*) from expired) + (select count(*) from unfinished))::integer
$$;
comment on function expire_commands is 'Writes that commands have expired, and that running ones failed whose daemon did not report their end; returns their number. Every reader calls it: no daemon need run.';
