-- When an instance changed its status lately, as a JSON array of listening times, and whether
-- that is called flapping.
alter table instances add column changes text not null default '[]';
alter table instances add column flapping integer not null default 0 check (flapping in (0, 1));
