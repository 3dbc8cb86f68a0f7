-- The readings of a session are found by the monotonic clock of the host's boot, which no step of the wall clock moves.
-- Rows come in the order of time, so the few bytes a block range that BRIN keeps tell enough, and cost an insert nothing.
create index readings_by_mono on readings using brin (host_boot_id, mono_ns)
    with (pages_per_range = 16, autosummarize = on);
