-- What the application keeps in ClickHouse. A draw is a hash of (row number, salt, random seed), as in PostgreSQL, and
-- versions and models are arithmetic of the row number: nothing has to be read from PostgreSQL for this. One version
-- in 20 does not exist there, because it has been withdrawn since. Moments are made from numbers, which no time zone
-- touches. Parameters: seed, scale, cutoff; users, versions (rows generated in PostgreSQL); application, orchestration
-- (the databases).

insert into {application:Identifier}.modelVersionEvents
    (type, time, userId, modelId, modelVersionId, nsfw, ip, userAgent)
with
    (n, salt) -> bitAnd(sipHash64(n, salt, {seed:UInt64}), 9007199254740991) / 9007199254740992 as u,
    v -> 1001 + if(
        (v - 1001) % 7 < 4,
        intDiv(v - 1001, 7) * 4 + (v - 1001) % 7,
        intDiv((intDiv(v - 1001, 7) * 4 + 1) * (((v - 1001) * 7919) % 997), 997)
    ) as model_of,
    toUInt64(ceil(greatest(1000, 70000 * {scale:Float64}))) as events,
    (number + 1) / events as progress
select
    -- eight of ten are downloads
    arrayElement(
        [
            'Download', 'Download', 'Download', 'Download', 'Download', 'Download', 'Download', 'Download', 'Download',
            'Download', 'Download', 'Download', 'Download', 'Download', 'Download', 'Download', 'Create', 'Publish',
            'Unpublish', 'HideDownload'
        ],
        1 + toUInt8(floor(u(number, 4101) * 20))
    ),
    toDateTime(toUInt32(1667260800 + floor(sqrt(progress) * 58060800))),
    multiIf(
        u(number, 4102) < 0.02, -1,
        u(number, 4102) < 0.15, 0,
        1001 + toInt32(floor(pow(u(number, 4103), 2) * progress * {users:UInt32}))
    ),
    if(u(number, 4104) < 0.005, 0, model_of(version)),
    if(u(number, 4105) < 0.005, 0, version),
    u(number, 4106) < 0.2,
    '',
    ''
from (
    select
        number,
        toInt64(
            1001
            + floor(
                abs((u(number, 4108) < 0.4) - pow(u(number, 4107), 3))
                * (number + 1)
                / events
                * {versions:UInt32}
            )
        ) as version
    from numbers(toUInt64(ceil(greatest(1000, 70000 * {scale:Float64}))))
);

-- Jobs come five in a row: one user tries one checkpoint, a minute and a half between the tries. Nearly a third of the
-- rows start from one of the versions 901 to 903, as checkpoints of the house do.
insert into {orchestration:Identifier}.jobs
    (jobId, userId, jobType, createdAt, completedAt, cost, resourcesUsed, blobsCount)
with
    (n, salt) -> bitAnd(sipHash64(n, salt, {seed:UInt64}), 9007199254740991) / 9007199254740992 as u,
    toUInt64(ceil(greatest(600, 30000 * {scale:Float64}))) as jobs,
    intDiv(number, 5) as series,
    (series * 5 + 1) / jobs as progress,
    (n, salt) -> toInt32(1001 + floor(
        abs((u(n, salt + 1) < 0.4) - pow(u(n, salt), 3)) * progress * {versions:UInt32}
    )) as version,
    arrayConcat(
        [if(u(series, 4201) < 0.3, toInt32(901 + floor(u(series, 4201) * 10)), version(series, 4202))],
        arrayMap(k -> version(number * 8 + k, 4204), range(toUInt8(floor(u(number, 4206) * 4))))
    ) as resources,
    1667260800000 + toInt64(floor(sqrt(progress) * 58060800000)) + (number % 5) * 90123 as milliseconds
select
    concat('job-', lower(hex(sipHash64(number, 4200, {seed:UInt64})))),
    1001 + toInt32(floor(pow(u(series, 4207), 2) * progress * {users:UInt32})),
    arrayElement(
        [
            'TextToImageV2', 'TextToImageV2', 'TextToImageV2', 'TextToImageV2', 'TextToImageV2', 'TextToImage',
            'TextToImage', 'TextToImage', 'Comfy', 'ImageUpscale', 'TextToVideo', 'ImageTraining'
        ],
        1 + toUInt8(floor(u(number, 4208) * 12))
    ),
    fromUnixTimestamp64Milli(milliseconds),
    fromUnixTimestamp64Milli(milliseconds + 1000 + toInt64(floor(u(number, 4209) * 60000))),
    1 + floor(u(number, 4210) * 40),
    multiIf(
        u(number, 4211) < 0.03, [],
        u(number, 4211) < 0.08, arrayConcat(resources, resources),
        resources
    ),
    1 + toInt16(floor(u(number, 4212) * 4))
from numbers(toUInt64(ceil(greatest(600, 30000 * {scale:Float64}))));

-- A row a day and version; grouped, because two draws may meet.
insert into {application:Identifier}.buzz_resource_compensation
    (date, modelVersionId, comp, tip, total, updated_at, count)
with
    (n, salt) -> bitAnd(sipHash64(n, salt, {seed:UInt64}), 9007199254740991) / 9007199254740992 as u
select
    toDateTime(toUInt32(1667260800 + 86400 * day)),
    version,
    argMin(comp, number) as comp_of_day,
    argMin(tip, number) as tip_of_day,
    comp_of_day + tip_of_day,
    toDateTime(toUInt32(1667260800 + 86400 * (day + 1) + 3600)),
    comp_of_day
from (
    select
        number,
        toUInt32(floor(sqrt(u(number, 4301)) * 672)) as day,
        toInt32(1001 + floor(pow(u(number, 4302), 3) * pow(day / 672, 2) * {versions:UInt32})) as version,
        -- some days earn nothing
        if(u(number, 4303) < 0.03, 0, 1 + toUInt32(floor(pow(u(number, 4304), 3) * 2000))) as comp,
        if(u(number, 4303) < 0.8, 0, toUInt32(floor(u(number, 4305) * 300))) as tip
    from numbers(toUInt64(ceil(greatest(400, 12500 * {scale:Float64}))))
)
group by
    day,
    version;

-- Restatements live in parts of their own until a merge drops the rows that they replace. Merges stay off while this
-- server lives, so that a reader who forgets FINAL is found out.
system stop merges {application:Identifier}.buzz_resource_compensation;

insert into {application:Identifier}.buzz_resource_compensation
    (date, modelVersionId, comp, tip, total, updated_at, count)
with
    sipHash64(toUnixTimestamp(date), modelVersionId, 4306, {seed:UInt64}) as draw,
    if(draw % 5 = 0, 0, comp + draw % 100) as restated
select
    date,
    modelVersionId,
    restated,
    tip * (restated > 0),
    restated + tip * (restated > 0),
    updated_at + 86400,
    count
from {application:Identifier}.buzz_resource_compensation
where sipHash64(toUnixTimestamp(date), modelVersionId, 4307, {seed:UInt64}) % 20 = 0;

insert into {application:Identifier}.buzz_resource_compensation
    (date, modelVersionId, comp, tip, total, updated_at, count)
select
    date,
    modelVersionId,
    comp + 7,
    tip,
    comp + 7 + tip,
    updated_at + 2 * 86400,
    count
from {application:Identifier}.buzz_resource_compensation final
where sipHash64(toUnixTimestamp(date), modelVersionId, 4307, {seed:UInt64}) % 100 = 0;
