-- The arrow's speed at the bow, from devices that measure it there.

alter table readings add column launch_mps double precision check (launch_mps > 0 and launch_mps < 1000);
comment on column readings.launch_mps is 'Releases: speed of the arrow at the bow in metres per second; null when the device does not measure it.';

alter table shots add column launch_mps double precision check (launch_mps > 0 and launch_mps < 1000);
comment on column shots.launch_mps is 'Speed at the bow in metres per second, of the release''s reading; null when it was not measured.';
