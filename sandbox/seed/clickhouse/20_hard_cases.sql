-- The hard cases, on the ids below 1000 of postgres/30_hard_cases.sql: version 1 of model 1 is there, version 8 and
-- model 8 are not. The column that an event can be found by (userAgent, jobId) carries the name of its case.

insert into {application:Identifier}.modelVersionEvents (type, time, userId, modelId, modelVersionId, userAgent)
select
    type,
    toDateTime(moment, 'UTC'),
    userId,
    modelId,
    modelVersionId,
    concat('hard case: ', name)
from values(
    'name String, type String, moment String, userId Int32, modelId Int32, modelVersionId Int32',
    ('ordinary', 'Download', '2023-01-01 10:00:00', 2, 1, 1),
    ('the same user again', 'Download', '2023-01-01 10:00:00', 2, 1, 1),
    ('no user', 'Download', '2023-01-02 10:00:00', -1, 1, 1),
    ('anonymous user', 'Download', '2023-01-03 10:00:00', 0, 1, 1),
    ('version 0', 'Download', '2023-01-04 10:00:00', 2, 1, 0),
    ('model 0', 'Download', '2023-01-05 10:00:00', 2, 0, 1),
    ('version 0 and model 0', 'Download', '2023-01-06 10:00:00', 2, 0, 0),
    ('version is gone', 'Download', '2023-01-07 10:00:00', 2, 1, 8),
    ('model is gone', 'Download', '2023-01-08 10:00:00', 2, 8, 1),
    ('version and model are gone', 'Download', '2023-01-09 10:00:00', 2, 8, 9),
    ('model of another version', 'Download', '2023-01-10 10:00:00', 3, 2, 1),
    ('created', 'Create', '2022-12-05 10:00:00', 1, 1, 2),
    ('published', 'Publish', '2022-12-05 11:00:00', 1, 1, 2),
    ('unpublished', 'Unpublish', '2023-02-05 10:00:00', 1, 3, 5),
    ('download hidden', 'HideDownload', '2023-02-06 10:00:00', 2, 1, 1),
    ('user is gone', 'Download', '2023-01-11 10:00:00', 8, 1, 1),
    ('hour that Denver lacks', 'Download', '2024-03-10 02:30:00', 12, 1, 1),
    ('hour that Denver has twice', 'Download', '2023-11-05 01:30:00', 13, 1, 1),
    ('last second of a month', 'Download', '2024-02-29 23:59:59', 14, 1, 1),
    -- seconds only: the cutoff itself, at .044, lies between these two
    ('second of the cutoff', 'Download', '2024-08-07 15:44:39', 3, 1, 1),
    ('second after the cutoff', 'Download', '2024-08-07 15:44:40', 4, 1, 1)
);

insert into {orchestration:Identifier}.jobs
    (jobId, userId, jobType, createdAt, completedAt, cost, resourcesUsed, blobsCount)
select
    concat('hard-', name),
    userId,
    jobType,
    toDateTime64(moment, 3, 'UTC') as started,
    started + 20,
    8,
    resources,
    4
from values(
    'name String, userId Int32, jobType String, moment String, resources Array(Int32)',
    ('ordinary', 2, 'TextToImageV2', '2023-03-01 10:00:00.001', [1]),
    ('same-user-same-day', 2, 'TextToImage', '2023-03-01 11:00:00.002', [1]),
    ('comfy', 2, 'Comfy', '2023-03-02 10:00:00.003', [1]),
    ('empty-resources', 2, 'TextToImageV2', '2023-03-03 10:00:00', []),
    ('repeated-resources', 2, 'TextToImageV2', '2023-03-04 10:00:00', [1, 1, 4, 1]),
    ('two-versions-of-a-model', 2, 'TextToImageV2', '2023-03-05 10:00:00', [1, 2]),
    ('version-gone', 2, 'TextToImageV2', '2023-03-06 10:00:00', [8]),
    ('version-gone-among-others', 2, 'TextToImageV2', '2023-03-07 10:00:00', [1, 8, 0, -1]),
    ('excluded-versions', 2, 'TextToImageV2', '2023-03-08 10:00:00', [901, 902, 1]),
    ('other-type', 2, 'ImageTraining', '2023-03-09 10:00:00', [1]),
    ('type-in-lower-case', 2, 'texttoimage', '2023-03-10 10:00:00', [1]),
    ('user-gone', 8, 'TextToImageV2', '2023-03-11 10:00:00', [1]),
    ('user-0', 0, 'TextToImageV2', '2023-03-12 10:00:00', [1]),
    ('hour-that-denver-lacks', 12, 'TextToImageV2', '2024-03-10 02:30:00.123', [1]),
    ('hour-that-denver-has-twice', 13, 'TextToImageV2', '2023-11-05 01:30:00.456', [1]),
    -- one user-day in UTC, two in Denver
    ('before-midnight-in-denver', 14, 'TextToImageV2', '2023-07-04 05:59:59.999', [1]),
    ('after-midnight-in-denver', 14, 'TextToImageV2', '2023-07-04 06:00:00.000', [1]),
    ('just-before-the-cutoff', 3, 'TextToImageV2', '2024-08-07 15:44:39.043', [1, 4]),
    ('at-the-cutoff', 4, 'TextToImageV2', '2024-08-07 15:44:39.044', [1, 4])
);

-- One insert each: rows of one insert with the same key would be replaced before they are written.
insert into {application:Identifier}.buzz_resource_compensation
    (date, modelVersionId, comp, tip, total, updated_at, count)
select
    toDateTime(day, 'UTC'),
    modelVersionId,
    total,
    0,
    total,
    toDateTime(updated, 'UTC'),
    1
from values(
    'day String, modelVersionId Int32, total UInt32, updated String',
    ('2023-04-01 00:00:00', 1, 500, '2023-04-02 01:00:00'),            -- stands
    ('2023-04-02 00:00:00', 1, 500, '2023-04-03 01:00:00'),            -- restated to 700
    ('2023-04-03 00:00:00', 1, 500, '2023-04-04 01:00:00'),            -- restated to 0
    ('2023-04-04 00:00:00', 1, 0, '2023-04-05 01:00:00'),              -- 0, and stays 0
    ('2023-04-05 00:00:00', 1, 0, '2023-04-06 01:00:00'),              -- 0, restated to 90
    ('2023-04-06 00:00:00', 1, 300, '2023-04-08 01:00:00'),            -- the row of 40 arrives later and is older
    ('2023-04-07 00:00:00', 8, 600, '2023-04-08 01:00:00'),            -- version is gone
    ('2024-08-07 00:00:00', 1, 10, '2024-08-08 01:00:00'),             -- day of the cutoff
    ('2024-08-08 00:00:00', 1, 20, '2024-08-09 01:00:00')              -- day after it
);

insert into {application:Identifier}.buzz_resource_compensation
    (date, modelVersionId, comp, tip, total, updated_at, count)
select
    toDateTime(day, 'UTC'),
    modelVersionId,
    total,
    0,
    total,
    toDateTime(updated, 'UTC'),
    1
from values(
    'day String, modelVersionId Int32, total UInt32, updated String',
    ('2023-04-02 00:00:00', 1, 700, '2023-04-05 01:00:00'),
    ('2023-04-03 00:00:00', 1, 0, '2023-04-05 01:00:00'),
    ('2023-04-05 00:00:00', 1, 90, '2024-08-20 01:00:00'),             -- restated after the cutoff: the day decides
    ('2023-04-06 00:00:00', 1, 40, '2023-04-07 01:00:00')
);
