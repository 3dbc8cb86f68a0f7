"""The rights of each role on each table."""

from __future__ import annotations

from edge.common.postgres.roles import Role
from tests.edge.common.postgres.forbidden_statements import ADD, CUT, GET, SET

PRUNED = "update(pruned_id,pruned_xid)"
DEVICE_UPDATE = "update(dead_time_s,driver,kind,lane,sensor_origin)"
RUN = "update(claimed_at,claimed_by,done,error,finished_at,hint,phase,result,state,total)"
CHANGE = (
    "update(diameter,human_identifier,is_active,is_removed,label_position,length,spine,void_reason,voided_by,voided_date,"
    "weight)"
)
CHANGE_BY_API = (
    "update(diameter,human_identifier,is_active,is_removed,label_position,length,registration_date,spine,void_reason,"
    "voided_by,voided_date,weight)"
)
REGISTER = (
    "insert(diameter,human_identifier,id,is_active,is_programmed,is_tag_unknown,label_position,length,registered_by,"
    "registration_date,spine,void_reason,voided_by,voided_date,weight)"
)
RENEWED = "update(at,host_id,mono_ns)"
REGISTERED = "update(dead_time_s,driver,kind,lane,lane_since,lane_since_host_boot_id,lane_since_mono_ns,sensor_origin)"

MATRIX: dict[str, tuple[set[str], set[str], set[str], set[str]]] = {
    "installation": ({GET}, {GET, PRUNED}, {GET}, {GET, PRUNED}),
    "schema_migrations": ({GET}, {GET}, {GET}, {GET}),
    "host_boots": ({GET, ADD, RENEWED}, {GET}, {GET}, {GET, ADD, RENEWED}),
    "devices": ({GET, ADD, REGISTERED}, {GET}, {GET}, {GET, ADD, DEVICE_UPDATE}),
    "device_status": ({GET, ADD, SET}, {GET, "update(clock_off)"}, {GET}, {GET}),
    "device_states": (set(), set(), set(), {GET}),
    "device_gaps": ({GET, ADD}, {GET}, {GET}, {GET}),
    "stream_clocks": ({GET, ADD, SET}, set(), {GET}, {GET}),
    "readings": ({GET, ADD}, {GET}, {GET}, {GET}),
    "sessions": (set(), {GET, "update(end_time,is_opened)"}, {GET}, {GET, ADD, SET}),
    "session_devices": (set(), {GET}, {GET}, {GET}),
    "targets": (set(), {GET}, {GET}, {GET, ADD}),
    "faces": (set(), {GET}, {GET}, {GET, ADD, "update(points,radii,version,x,x_radius,y)"}),
    "slots": (set(), {GET}, {GET}, {GET, ADD}),
    "archers": (set(), set(), {GET}, {GET, ADD}),
    "arrows": (set(), {GET}, {GET}, {GET, REGISTER, CHANGE}),
    "session_changes": (set(), {GET}, {GET}, {GET}),
    "end_marks": (set(), {GET}, {GET}, {GET, ADD}),
    "ends": (set(), {GET, ADD, SET, CUT}, {GET}, {GET}),
    "shots": (set(), {GET, ADD, SET}, {GET}, {GET}),
    "assembly_progress": (set(), {GET, SET}, set(), {GET}),
    "quarantine": ({GET, ADD}, set(), set(), {GET, "update(settled_at)"}),
    "corrections": (set(), {GET}, {GET}, {GET, ADD}),
    "rescores": (set(), {GET}, {GET}, {GET, ADD}),
    "rescored_calibrations": (set(), {GET}, {GET}, {GET, ADD}),
    "paper_ends": (set(), set(), {GET}, {GET, ADD}),
    "calibrations": ({GET}, {GET}, {GET}, {GET, ADD}),
    "calibration_activations": ({GET}, {GET}, {GET}, {GET, ADD}),
    "calibration_runs": (set(), set(), set(), {GET, ADD, "update(ended_at,taken,updated_at)"}),
    "orphans": (set(), {GET, ADD, SET, CUT}, {GET}, {GET}),
    "rebuilds": (set(), {GET, ADD, "update(done_at,revised,shots)"}, set(), {GET, ADD}),
    "commands": ({GET, RUN}, set(), {GET}, {GET, ADD, "update(cancel_requested)"}),
    "events": (set(), {GET, CUT}, {GET}, {GET, CUT}),
}
"""Rights of sensor, shots, push and operator on each table. Those of the API are in ``API_RIGHTS``. A new table needs a decision here and in ``edge/schema/repeatable/grants.sql``."""

API_HIDDEN = {"device_states", "quarantine", "events"}
API_RIGHTS: dict[str, set[str]] = {
    "host_boots": {ADD, RENEWED},
    "sessions": {
        ADD,
        CUT,
        (
            "update(arrows_per_end,closing_host_boot_id,closing_mono_ns,closing_time,end_time,is_indoor,is_opened,location,"
            "sighter_ends,start_host_boot_id,start_mono_ns,start_time)"
        ),
    },
    "targets": {ADD, CUT, "update(distance,max_x,max_y)"},
    "faces": {ADD, CUT, "update(code,human_identifier,name,points,radii,version,x,x_radius,y)"},
    "slots": {ADD, "update(archer_id,bow_device_id,face)"},
    "archers": {ADD, CUT, "update(name)"},
    "arrows": {REGISTER, CHANGE_BY_API},
    "end_marks": {ADD},
    "corrections": {ADD},
    "paper_ends": {ADD},
    "calibration_activations": {ADD},
    "commands": {ADD, "update(cancel_requested)"},
}
"""Rights of the API beyond reading, by table. It may write no reading, shot, end or orphan."""


def rights_of(role: Role, table: str) -> set[str]:
    """The rights of a role on a table."""
    if role is Role.API:
        return API_RIGHTS.get(table, set()) | (set() if table in API_HIDDEN else {GET})
    return MATRIX[table][(Role.SENSOR, Role.SHOTS, Role.PUSH, Role.OPERATOR).index(role)]
