-- What the other files are written in. Everything lives in pg_temp: it belongs to one session and leaves no trace.
--
-- A draw is a hash of (row number, salt, random seed), never random(): the same scale and seed give the same rows,
-- whatever the plan, the number of workers or the time zone. The salt names the draw: 100 * table + number of the draw.
-- Ids below 1000 are the hard cases (30_hard_cases.sql); row n of the generated community has the id 1000 + n.

create function pg_temp.random_seed() returns bigint language sql immutable parallel safe
return %(random_seed)s::bigint;

create function pg_temp.scale() returns numeric language sql immutable parallel safe
return %(scale)s::numeric;

create function pg_temp.cutoff() returns timestamp language sql immutable parallel safe
return timestamp %(cutoff)s;

-- The last moment that still belongs to the backfill.
create function pg_temp.just_before() returns timestamp language sql immutable parallel safe
return pg_temp.cutoff() - interval '1 millisecond';

-- Rows at scale 1, withdrawn ones included. The floor keeps every kind of action alive at tiny scales.
-- Models and versions come in blocks of 4 and 7, so that model_of() needs no table (and ClickHouse can do the same).
create function pg_temp.rows_of(thing text) returns int language sql immutable parallel safe
return case thing
    when 'Model' then 4 * greatest(15, ceil(pg_temp.scale() * 2000))
    when 'ModelVersion' then 7 * greatest(15, ceil(pg_temp.scale() * 2000))
    else greatest(
        60,
        ceil(
            pg_temp.scale()
            * case thing
                when 'User' then 25000
                when 'Post' then 40000
                when 'Image' then 110000
                when 'Article' then 3000
                when 'Bounty' then 800
                when 'BountyEntry' then 2000
                when 'Collection' then 10000
                when 'Tag' then 2000
                when 'Thread' then 40000
                when 'DonationGoal' then 500
                when 'ImageReaction' then 440000
                when 'ArticleReaction' then 12500
                when 'BountyEntryReaction' then 4300
                when 'ResourceReview' then 31000
                when 'Comment' then 15500
                when 'CommentV2' then 31000
                when 'CollectionItem' then 93000
                when 'CollectionContributor' then 15500
                when 'ImageResourceNew' then 120000
                when 'BuzzTip' then 21000
                when 'Donation' then 2000
                when 'UserEngagement' then 26000
                when 'TagEngagement' then 9000
                when 'ArticleEngagement' then 3200
                when 'BountyEngagement' then 2300
                when 'BountyBenefactor' then 3300
            end
        )
    )
end::int;

-- Uniform in [0, 1): 53 bits of the hash, so that the division is exact everywhere.
create function pg_temp.u(n bigint, salt int) returns float8 language sql immutable parallel safe
return (hashint8extended(n, pg_temp.random_seed() * 100003 + salt) & 9007199254740991) / 9007199254740992::float8;

-- The model of a generated version: of each seven versions four are a model's first, three belong to an older model.
-- Arithmetic only: clickhouse/10_application_tables.sql has the same.
create function pg_temp.model_of(version bigint) returns int language sql immutable parallel safe
return 1001 + case
    when mod(version - 1001, 7) < 4 then (version - 1001) / 7 * 4 + mod(version - 1001, 7)
    else ((version - 1001) / 7 * 4 + 1) * mod((version - 1001) * 7919, 997) / 997
end::int;

-- One row in 24 has been withdrawn since, by a rhythm of its own for each thing and random seed: row k of those that
-- are left is row (k * 1043 + beat) / 1000, counted from 0. So the one to take instead is found by arithmetic.
create function pg_temp.beat(thing text) returns bigint language sql immutable parallel safe
return mod(hashtextextended(thing, pg_temp.random_seed()) & 9007199254740991, 1000);

-- Row i, counted from 0, or the one before it if row i has been withdrawn. Not for versions: see kept(). The argument
-- stands here only once, so that PostgreSQL inlines the function whatever is given.
create function pg_temp.still_there(thing text, i bigint) returns bigint language sql immutable parallel safe
return ((i * 1000 + 999 - pg_temp.beat(thing)) / 1043 * 1043 + pg_temp.beat(thing)) / 1000;

-- Versions are also withdrawn with their model, as its foreign key has it.
create function pg_temp.kept(thing text, n bigint) returns boolean language sql immutable parallel safe
return mod((n - 1) * 1000 + 999 - pg_temp.beat(thing), 1043) < 1000
    and (
        thing <> 'ModelVersion'
        or mod((pg_temp.model_of(1000 + n) - 1001) * 1000::bigint + 999 - pg_temp.beat('Model'), 1043) < 1000
    );

-- The id of row i, counted from 0, or null if it has been withdrawn or never was.
create function pg_temp.id_if_kept(thing text, i bigint) returns int language sql immutable parallel safe
return case when i < pg_temp.rows_of(thing) and pg_temp.kept(thing, i + 1) then 1001 + i end;

-- When: from 2022-11-01 to 2024-09-03, ever busier (the square root makes the rate grow linearly with time).
create function pg_temp.moment(progress float8) returns timestamp language sql immutable parallel safe
return timestamp '2022-11-01' + floor(sqrt(progress) * 58060800000) * interval '1 millisecond';

-- What: one of the things that were there by then, withdrawn ones included; counted from 0. Three draws in five go to
-- the evergreens (the oldest ids, by the cube of the hash), the others to what is new: a long tail at both ends, and
-- nothing is acted upon before it is there.
create function pg_temp.draw(n bigint, salt int, progress float8, things int) returns bigint
language sql immutable parallel safe
return floor(
    abs((pg_temp.u(n, salt + 1) < 0.4)::int - power(pg_temp.u(n, salt), 3)) * progress * things
)::bigint;

-- The same, and its id, of what is still there.
create function pg_temp.pick(n bigint, salt int, progress float8, thing text) returns int
language sql immutable parallel safe
return 1001 + pg_temp.still_there(thing, pg_temp.draw(n, salt, progress, pg_temp.rows_of(thing)));

-- Who: the square of the hash, so that a few people do much and many do little.
create function pg_temp.someone(n bigint, salt int, progress float8) returns int language sql immutable parallel safe
return 1001 + pg_temp.still_there(
    'User', floor(power(pg_temp.u(n, salt), 2) * progress * pg_temp.rows_of('User'))::bigint
);

-- The version that a goal is for: "entityType" and "entityId" take the place of "modelVersionId".
create function pg_temp.version_of(model_version_id int, entity_type text, entity_id int) returns int
language sql immutable parallel safe
return case coalesce(entity_type, 'ModelVersion') when 'ModelVersion' then coalesce(entity_id, model_version_id) end;

create function pg_temp.reaction(n bigint, salt int) returns "ReviewReactions" language sql immutable parallel safe
return (
    '{Like,Like,Like,Like,Like,Like,Like,Like,Like,Like,Like,Like,Heart,Heart,Heart,Laugh,Laugh,Cry,Cry,Dislike}'
    ::"ReviewReactions"[]
)[1 + floor(pg_temp.u(n, salt) * 20)::int];

-- An amount of Buzz or of money: a handful of usual sums, so that equal amounts meet, and now and then an odd one.
create function pg_temp.amount(n bigint, salt int) returns int language sql immutable parallel safe
return case
    when pg_temp.u(n, salt) < 0.8
        then ('{5,10,10,20,25,50,50,100,100,200,250,500,500,1000,2000,5000}'::int[])
            [1 + floor(pg_temp.u(n, salt + 1) * 16)::int]
    else 1 + floor(pg_temp.u(n, salt + 1) * 3000)::int
end;
