// The words that the hub sends: results, flags, states, sources and events. A test compares them with the hub's own lists,
// edge/common/vocabulary.py first of all.

export const Result = Object.freeze({
  PENDING: "pending", HIT: "hit", OFF_FACE: "off_face", OFF_VIEW: "off_view", MISS: "miss", UNKNOWN: "unknown",
  NOT_SHOT: "not_shot", VOID: "void",
});

export const Flag = Object.freeze({
  NO_ENGAGE: "no_engage", LET_DOWN: "let_down", LATE: "late", CLOCK: "clock", TAG_MISMATCH: "tag_mismatch",
  CROSS_READ: "cross_read", WRONG_TAG: "wrong_tag", RETIRED_ARROW: "retired_arrow", SCANNED: "scanned",
  BOUNCE: "bounce", PASS_THROUGH: "pass_through", CONTACT: "contact", DEAD_TIME: "dead_time", UNSORTED: "unsorted",
  EXTRA: "extra", SAME_SPOT: "same_spot", WRONG_FACE: "wrong_face", CORRECTED: "corrected", SUPERSEDED: "superseded",
});

/** Results of rows that are no shot. */
export const NO_SHOT = Object.freeze([Result.NOT_SHOT, Result.VOID]);

/** Flags of shots that keep their value and count in no total. */
export const NOT_COUNTED = Object.freeze([Flag.EXTRA, Flag.SAME_SPOT]);

export const Assignment = Object.freeze({ ID: "id", INFERRED: "inferred", MANUAL: "manual" });

export const OrphanStatus = Object.freeze({ OPEN: "open", ASSIGNED: "assigned", VOIDED: "voided" });

export const Source = Object.freeze({ HARDWARE: "hardware", SIMULATOR: "simulator", REPLAY: "replay" });

export const DeviceState = Object.freeze({
  STARTING: "starting", WAITING: "waiting", READY: "ready", SILENT: "silent", LOST: "lost", STOPPED: "stopped",
  DEGRADED: "degraded", UNKNOWN: "unknown",
});

export const EventType = Object.freeze({
  SHOT_CREATED: "shot.created", SHOT_UPDATED: "shot.updated", SHOT_VOIDED: "shot.voided",
  SESSION_OPENED: "session.opened", SESSION_CLOSED: "session.closed", DEVICE_STATUS: "device.status",
  ARROW_PROGRAMMED: "arrow.programmed", CALIBRATION_ACTIVATED: "calibration.activated",
  READING_ORPHAN: "reading.orphan", COMMAND_UPDATED: "command.updated",
  SESSION_UPDATED: "session.updated", SESSION_DELETED: "session.deleted", END_MARKED: "end.marked",
  ARROW_CREATED: "arrow.created", ARROW_CHANGED: "arrow.changed", PAPER_ENTERED: "paper.entered",
});

/** Events of the stream itself, which stand in no table. */
export const StreamEvent = Object.freeze({ HEARTBEAT: "heartbeat", GAP: "gap" });

export const FeedState = Object.freeze({ LIVE: "live", AWAY: "away" });
