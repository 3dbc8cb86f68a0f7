-- A device that reports more than archers can shoot: its surplus readings are kept and left out of shots.

-- A constant default fills all rows without writing them.
alter table readings add column is_surplus boolean not null default false;
comment on column readings.is_surplus is 'More than archers can shoot, see edge.sensor.chatter: kept, and left out of shots.';

-- Shots are made of all other readings, so their indexes do not grow with surplus ones.
create index readings_in_shots_by_xid on readings (xid) where not is_surplus;
drop index readings_by_xid;
alter index readings_in_shots_by_xid rename to readings_by_xid;
create index readings_in_shots_by_time on readings (device_id, at) where not is_surplus;
drop index readings_by_time;
alter index readings_in_shots_by_time rename to readings_by_time;
create index readings_in_shots_by_device_mono on readings (device_id, host_boot_id, mono_ns) where not is_surplus;
drop index readings_by_device_mono;
alter index readings_in_shots_by_device_mono rename to readings_by_device_mono;

create or replace function ring_readings_doorbell() returns trigger language plpgsql as $$
declare
    base text := (select channel from installation);
    devices_rung text[] := (select array_agg(distinct device_id) from fresh where not is_surplus);
begin
    if devices_rung is not null then
        perform pg_notify(base || '_readings', case when cardinality(devices_rung) = 1 then devices_rung[1] else '' end);
    end if;
    return null;
end $$;
comment on function ring_readings_doorbell is 'Notifies <channel>_readings of new rows for shots: a doorbell, the rows are read from the table. The payload names the device when all rows are of one.';

alter table device_gaps add column begins_stream boolean not null default true;
comment on column device_gaps.begins_stream is 'Whether a stream of the device began at the end of the gap; false where events are lost, or hidden among surplus readings.';
comment on table device_gaps is 'Intervals in which a device was blind, or its events are lost or hidden. A shot whose landing window meets one is unknown, not a miss.';
comment on column device_gaps.stream_id is 'Stream that began at the end of the gap; an id of its own for a gap that no stream ends.';

alter table device_status add column chatters boolean not null default false;
comment on column device_status.chatters is 'The device reports more than archers can shoot: true until 30 s after its last surplus reading.';
alter table device_states add column chatters boolean not null default false;
comment on column device_states.chatters is 'As in device_status.';

create or replace function public_state(status device_status) returns text language sql immutable as $$
    select case when status.state = 'ready' and (status.clock_off or status.chatters) then 'degraded' else status.state end
$$;
