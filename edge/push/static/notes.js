// What is worth a look about a shot, in words. Pure.

const NOTES = {
  late: "came late", let_down: "let-down", no_engage: "nocking not sensed", tag_mismatch: "check arrow", clock: "clocks off",
  bounce: "bounced?", contact: "check: touches another arrow", retired_arrow: "retired arrow", cross_read: "read on two bows",
  wrong_tag: "another arrow's tag at the bow", pass_through: "went through?", unsorted: "a landing waits for a person",
  dead_time: "two arrows at once?", extra: "one arrow too many: the lowest count", same_spot: "two in one spot: the lower counts",
  wrong_face: "on another archer's face", out_of_time: "shot on red", corrected: "corrected by a judge",
};

export function notes(shot) {
  const told = shot.flags.map((flag) => NOTES[flag] ?? flag.replaceAll("_", " "));
  if (shot.sighter) told.unshift("sighter");
  if (shot.previous_value && !shot.flags.includes("corrected")) told.push("corrected");
  if (shot.line_call) told.push("line call");
  if (shot.result === "off_face" && !shot.flags.includes("wrong_face")) told.push("beside the face");
  if (shot.result === "void" && shot.void_reason) told.push(shot.void_reason);
  return told;
}
