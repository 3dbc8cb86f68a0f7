// Every text of the page, in German. The names of the texts and their arguments are those of en.js.

export const language = "de";

const PLURAL = new Intl.PluralRules(language);
const counted = (n, one, other) => `${n} ${PLURAL.select(n) === "one" ? one : other}`;
const arrows = (n) => counted(n, "Pfeil", "Pfeile");

export const texts = {
  none: "–",
  units: { mm: "mm", m: "m", yd: "yd", s: "s", mps: "m/s", fps: "ft/s" },
  age: { seconds: (n) => `${n} s`, minutes: (n) => `${n} min`, hours: (n) => `${n} h`, days: (n) => `${n} d` },
  left: (length) => `${length} links`,
  right: (length) => `${length} rechts`,
  low: (length) => `${length} tief`,
  high: (length) => `${length} hoch`,
  noArrow: "?",
  /** An arrow that is not registered: its number in the session, else the end of its tag. */
  namedArrow: (name) => `Pfeil ${name}`,
  numberedArrow: (n) => `Pfeil ${n}`,
  taggedArrow: (end) => `Tag ${end}`,
  arrows,

  /** Texts of index.html, by the names that its data-text and data-label attributes use. */
  page: {
    title: "Arch-Stats live",
    name: "Arch-Stats",
    skip: "Zur Liste der Schüsse",
    clocksOff: "UHR DES BOGENS FALSCH: keine Flugzeiten und keine Geschwindigkeiten, bis Bogen und Ziel ihre Uhren abgeglichen haben.",
    laneChoice: "Bahn",
    connecting: "verbindet",
    allLanes: "Alle Bahnen",
    target: "Scheibe",
    zoom: "Die Gruppe vergrößern",
    wall: "Anzeigetafel",
    settings: "Einstellungen",
    operate: "Bedienen",
    why: "Warum",
    score: "Ergebnis",
    lastShot: "Letzter",
    endSum: "Passe",
    total: "Gesamt",
    chips: "Pfeile dieser Passe",
    more: "Mehr",
    arrows: "Pfeile",
    hits: "Treffer",
    x: "X",
    misses: "Fehler",
    average: "Schnitt",
    ends: "Passen",
    group: "Gruppe",
    devices: "Geräte",
    shots: "Schüsse",
    noScript: "Diese Seite braucht JavaScript, um Schüsse zu zeigen, sobald sie fallen.",
  },

  /** Values as an archer calls them. */
  call: { pending: "…", unknown: "M?", notShot: "abgesetzt", void: "gestrichen", miss: "M", x: "X", hit: "Treffer" },
  /** The same for a screen reader, by the called value. */
  spoken: { "M": "Fehlschuss", "…": "im Flug", "M?": "nicht bekannt, vielleicht ein Fehlschuss" },
  flying: "Im Flug, oder die Scheibe meldet noch",
  spokenX: (points) => (points === 10 ? "X, zehn" : `X, ${points}`),

  flags: {
    no_engage: "Einnocken nicht erkannt", let_down: "abgesetzt", late: "spät gemeldet", clock: "Uhren falsch",
    tag_mismatch: "Pfeil prüfen", cross_read: "an zwei Bögen gelesen", wrong_tag: "Tag eines anderen Pfeils am Bogen",
    retired_arrow: "ausgemusterter Pfeil", scanned: "Pfeil durch Lesen bekannt", bounce: "abgeprallt?", pass_through: "durchgeschossen?",
    contact: "prüfen: berührt einen anderen Pfeil", dead_time: "zwei Pfeile zugleich?", unsorted: "ein Treffer braucht eine Entscheidung",
    extra: "überzählig: die niedrigsten zählen", same_spot: "zwei auf einem Spot: der niedrigere zählt",
    wrong_face: "auf der Auflage eines anderen", corrected: "vom Kampfrichter berichtigt", superseded: "ersetzt",
  },
  notes: { sighter: "Probe", corrected: "berichtigt", lineCall: "Linie prüfen", offFace: "neben der Auflage", last: "letzter" },

  why: {
    heading: (value) => `Warum ${value}`,
    which: (place) => `Schuss ${place}`,
    terms: {
      result: "Ergebnis", middle: "Mitte", ring: "Ring", line: "Linie", shaft: "Schaft", flight: "Flug", arrow: "Pfeil", slot: "Schütze",
      corrected: "Berichtigt", note: "Hinweis",
    },
    results: {
      pending: "Im Flug, oder die Scheibe meldet noch",
      miss: "Fehlschuss: die Scheibe war in Betrieb und sah nichts",
      unknown: "Die Scheibe war da nicht in Betrieb, oder konnte nicht entscheiden. Der Wert erscheint, wenn ihre Meldung noch kommt.",
      off_view: "Er traf neben der Scheibe dieses Aufbaus",
      not_shot: "Abgesetzt: der Pfeil wurde wieder von der Sehne genommen",
      void: "Dieser Schuss zählt nicht",
    },
    assignment: { id: "durch sein Tag", inferred: "erschlossen: kein anderer Pfeil war möglich", manual: "vom Betreuer zugeordnet" },
    meanSpeed: (speed) => `${speed} im Mittel`,
    launchSpeed: (speed) => `${speed} am Bogen`,
    drawn: (time) => `${time} im Auszug`,
    was: (value, time) => `bis ${time} war es ${value}`,
    fromMiddle: (length, face) => `${length} von der Mitte der Auflage ${face}`,
    ring: {
      x: (edge, radius) => `Innenkante bei ${edge}; das X endet bei ${radius}`,
      points: (edge, points, radius) => `Innenkante bei ${edge}; die ${points} endet bei ${radius}`,
      outside: (edge, radius) => `Innenkante bei ${edge}; der äußerste Ring endet bei ${radius}`,
      wrongFace: "Auf der Auflage eines anderen Schützen: zählt nichts",
    },
    inside: (length, ring) => `${length} innerhalb der Linie der ${ring}`,
    outside: (length, ring) => `${length} außerhalb der Linie der ${ring}`,
    lineCall: (line) => `${line}: zu knapp für den Sensor, ein Kampfrichter entscheidet`,
    shaft: (length) => `${length} dick`,
    assumedShaft: (length) => `${length} dick, angenommen`,
    closeUp: (value, width) => `Der Schaft auf der Auflage, ${value}: ${width} um ihn herum`,
  },

  group: {
    terms: {
      middle: "Gruppenmitte", widest: "Gruppengröße", sight: "Visier", accuracy: "Mitte bekannt", spread: "Streuung (1 Sigma)",
      half: "Die Hälfte", most: "95 von 100", meanRadius: "Mittlerer Radius", trend: "Zweite Hälfte", eyeToSight: "Visier für",
    },
    sum: (arrows, points, best) => `${arrows}, ${points} Ringe von ${best}`,
    interval: (sigma, low, high) => `${sigma} (95 %: ${low}-${high})`,
    spreadLater: (n) => `braucht ${arrows(n)}`,
    within: (radius) => `innerhalb von ${radius}`,
    toWithin: (error) => `auf ± ${error}`,
    size: (length, n) => `${length} (${arrows(n)})`,
    sight: {
      left: (length) => `${length} nach links`, right: (length) => `${length} nach rechts`, up: (length) => `${length} nach oben`,
      down: (length) => `${length} nach unten`,
    },
    leaveSight: "Nicht verstellen: zu wenige Pfeile, um sicher zu sein",
    centred: "Nicht verstellen: die Gruppe sitzt in der Mitte",
    eyeToSight: (length) => `${length} vom Auge zum Visier`,
    furtherLeft: (length) => `${length} weiter links`,
    furtherRight: (length) => `${length} weiter rechts`,
    lower: (length) => `${length} tiefer`,
    higher: (length) => `${length} höher`,
    wider: "weiter gestreut",
    tighter: "enger",
    sameAsEarlier: "wie die erste Hälfte",
    trend: (change, error, before, after) => `${change} (± ${error}; Streuung ${before}, dann ${after})`,
  },

  shots: {
    heads: { shot: "Schuss", value: "Wert", arrow: "Pfeil", flight: "Flug, s", time: "Zeit", note: "Hinweis" },
    caption: "Schüsse, der neueste zuerst. Pfeiltasten gehen von Schuss zu Schuss.",
  },

  ends: {
    heads: { end: "Passe", arrows: "Pfeile", hits: "Treffer", x: "X", sum: "Summe", total: "Gesamt" },
    caption: "Passen mit den Werten ihrer Pfeile, der höchste zuerst, Summe und Gesamtsumme. Passen mit Namen P sind Probepassen und zählen nicht.",
    correctedFrom: (value) => `vorher ${value}`,
    surplus: "zählt nicht: überzähliger Pfeil",
    sighterName: (n) => `P${n}`,
    ofSlot: (letter, name) => `${letter} ${name}`,
    archer: (letter, name) => (name ? `${letter} · ${name}` : `Platz ${letter}`),
    noArcher: "Ohne Platz",
    sighterSum: (sum) => `(${sum})`,
  },

  arrowTable: {
    heads: { arrow: "Pfeil", shots: "Schüsse", average: "Schnitt", offset: "Zu den anderen Pfeilen, mm", error: "±" },
    caption: "Pfeile: Schüsse, Schnitt, und die mittlere Lage zu der der anderen Pfeile mit ihrem Standardfehler",
    check: (name, bias, n) => `Pfeil ${name} prüfen: in ${counted(n, "Schuss", "Schüssen")} ${bias} daneben`,
  },

  score: {
    lastShot: "Letzter",
    lastSighter: "Probepfeil",
    noShot: "noch kein Schuss",
    of: (best, n) => `von ${best} mit ${counted(n, "Pfeil", "Pfeilen")}`,
    end: (name) => `Passe ${name}`,
    toShoot: "noch zu schießen",
    archerHeads: { archer: "Schütze", end: "Passe", arrows: "Pfeile", average: "Schnitt", total: "Gesamt" },
    archersCaption: "Schützen: Summe der laufenden Passe, Pfeile, Schnitt und Gesamtsumme",
    allArchers: "Alle Schützen",
    sightersOnly: "Probepfeile zählen nicht",
    detail: (place, arrow) => `Schuss ${place} · ${arrow}`,
  },

  face: {
    title: "Auflage mit den Schüssen",
    noFace: "Keine Auflage",
    description: (faces, width, height, distance) =>
      `${faces} auf einer Scheibe von ${width} mal ${height} Millimetern in ${distance}. Pfeiltasten gehen von Schuss zu Schuss.`,
    orphan: "Nicht zugeordneter Treffer, noch nicht gewertet",
    whole: "Die ganze Auflage zeigen",
    shot: (place, value, arrow) => `Schuss ${place}, ${value}, ${arrow}`,
    correctedFrom: (value) => `vorher ${value}`,
    last: "letzter Schuss",
  },

  devices: {
    none: "Noch kein Gerät auf dieser Bahn.",
    states: {
      starting: "startet", waiting: "wartet", ready: "bereit", silent: "stumm", lost: "getrennt", stopped: "angehalten",
      degraded: "gestört", unknown: "unbekannt",
    },
    clockOff: "Seine Uhr und die der Scheibe liegen zu weit auseinander, um einen Flug zu messen. Stromversorgung und Abstand zum Empfänger prüfen.",
    restarted: (age) => `Sensor vor ${age} neu gestartet`,
    battery: (percent) => `Batterie ${percent} %`,
    heard: (age) => `gehört vor ${age}`,
    neverHeard: "nie gehört",
  },

  header: {
    // At a centre the thousands are the number of the lane's hub.
    lane: (lane) => (lane < 1000 ? `Bahn ${lane}` : `Hub ${Math.floor(lane / 1000)}, Bahn ${lane % 1000}`),
    title: (name) => `${name} – Arch-Stats live`,
    all: "Alle",
    allLanes: "Alle Bahnen",
    lanes: (n) => counted(n, "Bahn", "Bahnen"),
    indoors: "Halle",
    outdoors: "im Freien",
    closing: "wird geschlossen …",
    closed: "Sitzung geschlossen",
    noSessionYet: "noch keine Sitzung",
    noTarget: "Diese Sitzung hat keine Scheibe.",
    noSession: "Auf dieser Bahn ist keine Sitzung offen. Schüsse erscheinen hier, sobald eine eröffnet ist.",
    replay: "AUFZEICHNUNG: dies sind aufgezeichnete Schüsse.",
    simulated: "SIMULIERTE DATEN: kein echter Pfeil wurde geschossen.",
    live: "live",
    notConnected: "nicht verbunden",
    offline: "NICHT VERBUNDEN",
    offlineDetail: (reason, seen) => `${reason}${seen ? ` Die Seite zeigt den Stand von ${seen}.` : ""} Neuer Versuch läuft.`,
  },

  hub: {
    noAnswer: "Der Hub antwortet nicht.",
    error: (message) => `Der Hub meldet: ${message}`,
    noDatabase: "Der Hub erreicht seine Datenbank nicht.",
    silence: (seconds) => `Der Hub hat seit ${seconds} Sekunden nichts gesendet.`,
  },

  card: {
    arrows,
    closed: "geschlossen",
    noSession: "keine Sitzung",
    noShot: "noch kein Schuss",
    last: "Letzter",
    total: "Gesamt",
    trouble: (device, state) => `${device} ${state}`,
    orphans: (n) => counted(n, "offener Treffer", "offene Treffer"),
  },

  /** The screens for spectators: the wall and the overlay of a video. */
  board: {
    wallTitle: "Arch-Stats Anzeigetafel",
    overlayTitle: "Arch-Stats Einblendung",
    last: "Letzter",
    end: "Passe",
    endName: (name) => `Passe ${name}`,
    total: "Gesamt",
    simulated: "Simulierte Daten",
    leaveWall: "Seite der Bahn und Einstellungen",
  },

  settings: {
    language: "Sprache",
    ofBrowser: "Wie der Browser",
    languages: { en: "English", de: "Deutsch" },
    distance: "Entfernungen",
    distances: { m: "Meter", yd: "Yards" },
    speed: "Geschwindigkeiten",
    speeds: { mps: "Meter pro Sekunde", fps: "Fuß pro Sekunde" },
    save: "Speichern",
    cancel: "Abbrechen",
    notKept: "Dieser Browser speichert keine Einstellungen der Seite. Erlaube ihm, für diese Adresse Daten zu speichern.",
  },

  lane: {
    orphan: "Ein nicht zugeordneter Treffer: er ist noch nicht gewertet.",
    orphans: (n) => `${counted(n, "nicht zugeordneter Treffer", "nicht zugeordnete Treffer")} (grau), noch nicht gewertet.`,
    listOrphans: "Auf dem Hub auflisten:",
    unclaimed: (n) => `${arrows(n)} ohne offene Sitzung geschossen, in keiner Summe. Auf dem Hub eine Sitzung mit ihnen eröffnen:`,
    replaceWords: "Entfernung und Auflage anstelle von METRES und FACE eintragen.",
    voided: (before, sum) => `Berichtigung: ein Schuss mit ${before} zählt nicht. Gesamt ${sum}.`,
    corrected: (place, value, before, sum) => `Berichtigung: Schuss ${place} ist jetzt ${value}, vorher ${before}. Gesamt ${sum}.`,
    shot: (place, value, sum) => `Schuss ${place}: ${value}. Gesamt ${sum}.`,
  },
};
