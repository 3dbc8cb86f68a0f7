-- An arrow scanner is calibrated too: the transmit power at which it reads the tag on its pad and no other one.

alter table calibrations drop constraint calibrations_kind_check,
    add constraint calibrations_kind_check check (kind in ('target', 'bow', 'arrow'));
alter table calibration_activations drop constraint calibration_activations_kind_check,
    add constraint calibration_activations_kind_check check (kind in ('target', 'bow', 'arrow'));
alter table calibration_runs drop constraint calibration_runs_kind_check,
    add constraint calibration_runs_kind_check check (kind in ('target', 'bow', 'arrow'));
comment on column calibrations.kind is 'Of a target: the map from its positions to the butt. Of a bow: its threshold and latency. Of an arrow scanner: its transmit power. See edge.common.vocabulary.CalibrationKind.';
comment on column calibrations.parameters is 'Targets: x = xx * sensed_x + xy * sensed_y + x0_mm, y = yx * sensed_x + yy * sensed_y + y0_mm; rotation_deg and scale for people. Bows and arrow scanners: see docs/calibration.md; the object settings is sent to the device after each opening.';
comment on column calibrations.points is 'Targets: the points with name, known place, sensed place and residual in millimetres. Bows: the trials. Arrow scanners: the reads at each power.';
