// Every text of the page, in English. Functions take numbers and names that are already formatted.

export const language = "en";

const PLURAL = new Intl.PluralRules(language);
const counted = (n, one, other) => `${n} ${PLURAL.select(n) === "one" ? one : other}`;
const arrows = (n) => counted(n, "arrow", "arrows");

export const texts = {
  none: "–",
  units: { mm: "mm", m: "m", yd: "yd", s: "s", mps: "m/s", fps: "fps" },
  age: { seconds: (n) => `${n} s`, minutes: (n) => `${n} min`, hours: (n) => `${n} h`, days: (n) => `${n} d` },
  left: (length) => `${length} left`,
  right: (length) => `${length} right`,
  low: (length) => `${length} low`,
  high: (length) => `${length} high`,
  noArrow: "?",
  /** An arrow that is not registered: its number in the session, else the end of its tag. */
  namedArrow: (name) => `arrow ${name}`,
  numberedArrow: (n) => `arrow ${n}`,
  taggedArrow: (end) => `tag ${end}`,
  arrows,

  /** Texts of index.html, by the names that its data-text and data-label attributes use. */
  page: {
    title: "Arch-Stats live",
    name: "Arch-Stats",
    skip: "Skip to the list of shots",
    clocksOff: "BOW CLOCK OFF: no flight times and no speeds until bow and target have synchronised their clocks.",
    laneChoice: "Lane",
    operate: "Operate",
    connecting: "connecting",
    allLanes: "All lanes",
    target: "Target",
    zoom: "Zoom to the group",
    wall: "Wall",
    settings: "Settings",
    why: "Why",
    score: "Score",
    lastShot: "Last shot",
    endSum: "End",
    total: "Total",
    chips: "Arrows of this end",
    more: "More",
    arrows: "Arrows",
    hits: "Hits",
    x: "X",
    misses: "Misses",
    average: "Average",
    ends: "Ends",
    group: "Group",
    devices: "Devices",
    shots: "Shots",
    noScript: "This page needs JavaScript to show shots as they fall.",
  },

  /** Values as an archer calls them. */
  call: { pending: "…", unknown: "M?", notShot: "let down", void: "void", miss: "M", x: "X", hit: "hit" },
  /** The same for a screen reader, by the called value. */
  spoken: { "M": "miss", "…": "in flight", "M?": "not known, perhaps a miss" },
  flying: "In flight, or waiting for the target",
  spokenX: (points) => (points === 10 ? "X, ten" : `X, ${points}`),

  flags: {
    no_engage: "nocking not detected", let_down: "let-down", late: "arrived late", clock: "clocks off",
    tag_mismatch: "check arrow", cross_read: "read on two bows", wrong_tag: "another arrow's tag at the bow",
    retired_arrow: "retired arrow", scanned: "arrow known by its scan", bounce: "bounced?", pass_through: "went through?",
    contact: "check: touches another arrow", dead_time: "two arrows at once?", unsorted: "a landing needs a decision",
    extra: "surplus arrow: the lowest count", same_spot: "two in one spot: the lower counts",
    wrong_face: "on another archer's face", corrected: "corrected by a judge", superseded: "superseded",
  },
  notes: { sighter: "sighter", corrected: "corrected", lineCall: "line call", offFace: "beside the face", last: "last" },

  why: {
    heading: (value) => `Why ${value}`,
    which: (place) => `shot ${place}`,
    terms: {
      result: "Result", middle: "Centre", ring: "Ring", line: "Line", shaft: "Shaft", flight: "Flight", arrow: "Arrow", slot: "Archer",
      corrected: "Corrected", note: "Note",
    },
    results: {
      pending: "In flight, or waiting for the target",
      miss: "Miss: the target was working and saw nothing",
      unknown: "The target was not working then, or could not decide. The value appears if its reading still arrives.",
      off_view: "It landed outside the butt of this set-up",
      not_shot: "Let down: the arrow was taken off the string again",
      void: "This shot does not count",
    },
    assignment: { id: "by its tag", inferred: "inferred: no other arrow was possible", manual: "assigned by an operator" },
    meanSpeed: (speed) => `${speed} on average`,
    launchSpeed: (speed) => `${speed} at the bow`,
    drawn: (time) => `drawn for ${time}`,
    was: (value, time) => `it was ${value} until ${time}`,
    fromMiddle: (length, face) => `${length} from the centre of face ${face}`,
    ring: {
      x: (edge, radius) => `Inner edge at ${edge}; the X ends at ${radius}`,
      points: (edge, points, radius) => `Inner edge at ${edge}; the ${points} ends at ${radius}`,
      outside: (edge, radius) => `Inner edge at ${edge}; the outermost ring ends at ${radius}`,
      wrongFace: "On the face of another archer: it scores nothing",
    },
    inside: (length, ring) => `${length} inside the line of the ${ring}`,
    outside: (length, ring) => `${length} outside the line of the ${ring}`,
    lineCall: (line) => `${line}: too close for the sensor, a judge decides`,
    shaft: (length) => `${length} thick`,
    assumedShaft: (length) => `${length} thick, assumed`,
    closeUp: (value, width) => `The shaft on the face, ${value}: ${width} around it`,
  },

  group: {
    terms: {
      middle: "Group centre", widest: "Group size", sight: "Sight", accuracy: "Centre known", spread: "Spread (1 sigma)",
      half: "Half the arrows", most: "95 of 100", meanRadius: "Mean radius", trend: "Later half", eyeToSight: "Sight for",
    },
    sum: (arrows, points, best) => `${arrows}, ${points} points of ${best}`,
    interval: (sigma, low, high) => `${sigma} (95 %: ${low}-${high})`,
    spreadLater: (n) => `needs ${arrows(n)}`,
    within: (radius) => `within ${radius}`,
    toWithin: (error) => `to ± ${error}`,
    size: (length, n) => `${length} (${arrows(n)})`,
    sight: {
      left: (length) => `left ${length}`, right: (length) => `right ${length}`, up: (length) => `up ${length}`, down: (length) => `down ${length}`,
    },
    leaveSight: "No change: too few arrows to be sure",
    centred: "No change: the group is centred",
    eyeToSight: (length) => `${length} from the eye to the sight`,
    furtherLeft: (length) => `${length} further left`,
    furtherRight: (length) => `${length} further right`,
    lower: (length) => `${length} lower`,
    higher: (length) => `${length} higher`,
    wider: "wider",
    tighter: "tighter",
    sameAsEarlier: "same as the earlier half",
    trend: (change, error, before, after) => `${change} (± ${error}; spread ${before}, then ${after})`,
  },

  shots: {
    heads: { shot: "Shot", value: "Value", arrow: "Arrow", flight: "Flight, s", time: "Time", note: "Note" },
    caption: "Shots, newest first. Arrow keys move from shot to shot.",
  },

  ends: {
    heads: { end: "End", arrows: "Arrows", hits: "Hits", x: "X", sum: "Sum", total: "Total" },
    caption: "Ends with the values of their arrows, highest first, sum and running total. Ends named S are sighters and do not count.",
    correctedFrom: (value) => `corrected from ${value}`,
    surplus: "does not count: surplus arrow",
    sighterName: (n) => `S${n}`,
    ofSlot: (letter, name) => `${letter} ${name}`,
    archer: (letter, name) => (name ? `${letter} · ${name}` : `Place ${letter}`),
    noArcher: "Without a place",
    sighterSum: (sum) => `(${sum})`,
  },

  arrowTable: {
    heads: { arrow: "Arrow", shots: "Shots", average: "Average", offset: "From the other arrows, mm", error: "±" },
    caption: "Arrows: shots, average, and the mean place relative to that of the other arrows with its standard error",
    check: (name, bias, n) => `check arrow ${name}: ${bias} off in ${counted(n, "shot", "shots")}`,
  },

  score: {
    lastShot: "Last shot",
    lastSighter: "Sighter",
    noShot: "no shot yet",
    of: (best, n) => `of ${best} with ${arrows(n)}`,
    end: (name) => `end ${name}`,
    toShoot: "to be shot",
    archerHeads: { archer: "Archer", end: "End", arrows: "Arrows", average: "Average", total: "Total" },
    archersCaption: "Archers: sum of the current end, arrows, average and total",
    allArchers: "All archers",
    sightersOnly: "sighters do not count",
    detail: (place, arrow) => `shot ${place} · ${arrow}`,
  },

  face: {
    title: "Target face with shots",
    noFace: "No face",
    description: (faces, width, height, distance) =>
      `${faces} on a butt of ${width} by ${height} millimetres at ${distance}. Arrow keys move from shot to shot.`,
    orphan: "Unclaimed hit, not scored yet",
    whole: "Show the whole face",
    shot: (place, value, arrow) => `Shot ${place}, ${value}, ${arrow}`,
    correctedFrom: (value) => `corrected from ${value}`,
    last: "last shot",
  },

  devices: {
    none: "No device on this lane yet.",
    states: {
      starting: "starting", waiting: "waiting", ready: "ready", silent: "silent", lost: "lost", stopped: "stopped",
      degraded: "degraded", unknown: "unknown",
    },
    clockOff: "Its clock and the target's are too far apart to time a flight. Check power and distance to the receiver.",
    restarted: (age) => `sensor restarted ${age} ago`,
    battery: (percent) => `battery ${percent} %`,
    heard: (age) => `heard ${age} ago`,
    neverHeard: "never heard",
  },

  header: {
    // At a centre the thousands are the number of the lane's hub.
    lane: (lane) => (lane < 1000 ? `Lane ${lane}` : `Hub ${Math.floor(lane / 1000)}, lane ${lane % 1000}`),
    title: (name) => `${name} – Arch-Stats live`,
    all: "All",
    allLanes: "All lanes",
    lanes: (n) => counted(n, "lane", "lanes"),
    indoors: "indoors",
    outdoors: "outdoors",
    closing: "closing …",
    closed: "session closed",
    noSessionYet: "no session yet",
    noTarget: "This session has no target.",
    noSession: "No session is open on this lane. Shots appear here as soon as one is opened.",
    replay: "REPLAY: these are recorded shots.",
    simulated: "SIMULATED DATA: no real arrow was shot.",
    live: "live",
    notConnected: "not connected",
    offline: "NOT CONNECTED",
    offlineDetail: (reason, seen) => `${reason}${seen ? ` The page shows the state of ${seen}.` : ""} Trying again.`,
  },

  hub: {
    noAnswer: "The hub does not answer.",
    error: (message) => `The hub reports: ${message}`,
    noDatabase: "The hub does not reach its database.",
    silence: (seconds) => `The hub has sent nothing for ${seconds} seconds.`,
  },

  card: {
    arrows,
    closed: "closed",
    noSession: "no session",
    noShot: "no shot yet",
    last: "Last",
    total: "Total",
    trouble: (device, state) => `${device} ${state}`,
    orphans: (n) => counted(n, "unclaimed hit", "unclaimed hits"),
  },

  /** The screens for spectators: the wall and the overlay of a video. */
  board: {
    wallTitle: "Arch-Stats wall",
    overlayTitle: "Arch-Stats overlay",
    last: "Last",
    end: "End",
    endName: (name) => `End ${name}`,
    total: "Total",
    simulated: "Simulated data",
    leaveWall: "Lane page and settings",
  },

  settings: {
    language: "Language",
    ofBrowser: "As the browser",
    languages: { en: "English", de: "Deutsch" },
    distance: "Distances",
    distances: { m: "metres", yd: "yards" },
    speed: "Speeds",
    speeds: { mps: "metres per second", fps: "feet per second" },
    save: "Save",
    cancel: "Cancel",
    notKept: "This browser keeps no settings for the page. Allow it to store data for this address.",
  },

  lane: {
    orphan: "An unclaimed hit: it is not scored yet.",
    orphans: (n) => `${counted(n, "unclaimed hit", "unclaimed hits")} (grey), not scored yet.`,
    listOrphans: "List them on the hub:",
    unclaimed: (n) => `${arrows(n)} shot while no session is open, in no total. Open a session with them on the hub:`,
    replaceWords: "Write the distance and the face in place of METRES and FACE.",
    voided: (before, sum) => `Correction: a shot that was ${before} does not count. Total ${sum}.`,
    corrected: (place, value, before, sum) => `Correction: shot ${place} is now ${value}, was ${before}. Total ${sum}.`,
    shot: (place, value, sum) => `Shot ${place}: ${value}. Total ${sum}.`,
  },
};
