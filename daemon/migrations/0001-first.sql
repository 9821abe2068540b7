-- The first schema. Times are microseconds since 1970 in UTC, `_l` and `l` microseconds of
-- listening time. The salvage of a damaged file tells the tables apart by their number of
-- columns, so no two tables have the same.

-- What changes seldom about an instance, living or tombstone.
create table instances (
    id integer primary key autoincrement,
    name text not null,
    instance text not null,
    ip text not null,
    port integer check (port between 1 and 65535),
    ttl_us integer,
    tags text not null,
    metadata text not null,
    first_seen integer not null,
    -- Not `in (…)`: of more than two texts SQLite makes a table, anew for every row that is written.
    life text not null check (
        life = 'up' or life = 'down' or life = 'timed-out' or life = 'dismissed'
        or life = 'deregistered'
    ),
    since integer not null,
    since_l integer not null,
    mass integer not null check (mass in (0, 1)),
    unique (name, instance)
) strict;

-- All that a heartbeat writes.
create table heartbeats (
    id integer primary key,
    at integer not null,
    l integer not null
) strict;

-- When the daemon listened without a break. No two begin at the same listening time.
create table stretches (
    id integer primary key,
    began text not null check (began in ('start', 'stall')),
    start_l integer not null unique,
    last_l integer not null,
    start_wall integer not null,
    last_wall integer not null,
    clean integer not null check (clean in (0, 1))
) strict;

-- Transitions and changes; never a row per heartbeat.
create table events (
    revision integer primary key,
    at integer not null,
    l integer not null,
    kind text not null,
    id integer,
    name text,
    instance text,
    reason text
) strict;

create index events_by_name on events (name) where name is not null;

-- Rows of an imported database as they were, and why they could not be taken.
create table refused_rows (
    id integer primary key,
    name any,
    ip any,
    status any,
    last_heartbeat any,
    reason text not null
) strict;

-- The table of the original program, so that old queries go on working.
create view services (id, name, ip, status, last_heartbeat) as
select
    i.id,
    i.name,
    i.ip,
    upper(i.life),
    strftime(
        '%Y-%m-%d %H:%M:%S',
        (h.at - (h.at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch'
    ) || printf('.%06d', (h.at % 1000000 + 1000000) % 1000000)
from instances as i
left join heartbeats as h on h.id = i.id
where i.life in ('up', 'down');
