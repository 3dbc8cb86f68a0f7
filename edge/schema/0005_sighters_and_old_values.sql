-- What the live page tells besides the value: which ends do not count, and what a value was before it was corrected.

-- The first so many ends are sighters. A number, not a mark on rows: ends and shots may be derived anew at any time.
alter table sessions add column sighter_ends integer not null default 0 check (sighter_ends between 0 and 99);

-- The value that was told before this one, {"result", "points", "is_x"}, and when it was replaced.
alter table shots add column was jsonb, add column corrected_at timestamptz;

create function remember_told_value() returns trigger language plpgsql as $$
begin
    new.was := jsonb_build_object('result', old.result, 'points', old.points, 'is_x', old.is_x);
    new.corrected_at := clock_timestamp();
    return new;
end $$;
-- "pending" told nothing yet: the value that follows it corrects none.
create trigger shots_remember before update on shots for each row
    when (old.result <> 'pending' and (old.result, old.points, old.is_x) is distinct from (new.result, new.points, new.is_x))
    execute function remember_told_value();
