-- Boots that 0008 found in sessions are of hosts that are not known. Another host that only stored readings records its boot after
-- the upgrade, although it ran before: such boots have no order, so the wall clock decides, as it did then. A boot that still runs
-- gets its host and its order with its next record.

alter table host_boots disable trigger user;
update host_boots set seen_after = 'infinity' where host_id is null and recorded_by = host_boot_id;
alter table host_boots enable trigger user;
