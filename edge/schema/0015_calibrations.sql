-- Where the raw positions of a target count from, and what calibrations say of them.

alter table devices add column sensor_origin text not null default 'lower_left'
    check (sensor_origin in ('lower_left', 'centre'));
comment on column devices.sensor_origin is 'Targets: the point that raw positions count from, as its driver states it; see drivers.contract.SensorOrigin.';
