-- The hard cases, on ids below 1000 that nothing else uses; tests/python/test_seed.py looks each of them up.
-- The cast is the same everywhere: 1 is the thing that all is well with, 8 has been deleted since (no row: only what no
-- foreign key guards still names it), and users 1 (the author), 2 and 3 (givers) do ordinary things. Where an id stands
-- alone, the comment beside it names its case.

-- Users -------------------------------------------------------------------------------------------------------------
-- 8 and 9 are gone; 11 is soft-deleted, which is not gone.
insert into "User" (id, "createdAt", "deletedAt")
select
    id,
    timestamp '2022-11-01' + id * interval '1 hour',
    case when id = 11 then timestamp '2024-01-01' end
from generate_series(1, 30) as id
where id not in (8, 9);

-- Entities ----------------------------------------------------------------------------------------------------------
insert into "Model" (id, "userId", status, "createdAt", "publishedAt", "deletedAt")
values
    (1, 1, 'Published', '2022-11-05', '2022-11-05', null),
    (2, 1, 'Published', '2022-11-06', '2022-11-06', null),
    (3, 1, 'Draft', '2022-11-07', null, null),
    (4, 1, 'Deleted', '2022-11-08', '2022-11-08', '2023-06-01'),       -- soft-deleted: the row is there, so it counts
    (5, 11, 'Published', '2022-11-09', '2022-11-09', null),            -- its owner is soft-deleted
    (6, 1, 'Published', '2022-11-10', '2022-11-10', null),             -- tipped, but none of its versions donated to
    (7, 1, 'Published', '2022-11-11', '2022-11-11', null);             -- donated to, but never tipped

-- 8 and 9 are gone. 901 to 903 are what most jobs use: 901 and 902 suit the var excluded_generation_versions.
insert into "ModelVersion" (id, "modelId", status, "createdAt", "publishedAt")
values
    (1, 1, 'Published', '2022-11-05', '2022-11-05'),
    (2, 1, 'Published', '2022-12-05', '2022-12-05'),
    (3, 1, 'Draft', '2023-01-05', null),
    (4, 2, 'Published', '2022-11-06', '2022-11-06'),
    (5, 3, 'Unpublished', '2022-11-07', '2022-11-07'),
    (6, 4, 'Deleted', '2022-11-08', '2022-11-08'),
    (7, 5, 'Scheduled', '2022-11-09', '2024-12-01'),
    (10, 7, 'Published', '2022-11-11', '2022-11-11'),
    (901, 2, 'Published', '2022-11-06', '2022-11-06'),
    (902, 2, 'Published', '2022-11-06', '2022-11-06'),
    (903, 2, 'Published', '2022-11-06', '2022-11-06');

insert into "Post" (id, "userId", "createdAt", "publishedAt")
values
    (1, 1, '2022-11-20', '2022-11-20'),
    (2, 11, '2022-11-21', '2022-11-21'),                               -- its owner is soft-deleted
    (3, 1, '2022-11-22', null);                                        -- never published

insert into "Image" (id, "userId", "postId", "createdAt")
values
    (1, 1, 1, '2022-11-20'),
    (2, 1, null, '2022-11-21'),                                        -- no post, or none any more
    (3, 11, 1, '2022-11-22'),                                          -- its owner is soft-deleted
    (6, 1, 1, pg_temp.just_before()),
    (7, 1, 1, pg_temp.cutoff());

-- Ids that leap to two billion and on, close to where an int ends: whoever slices by id has to jump.
insert into "Image" (id, "userId", "postId", "createdAt")
select
    case when n < 30 then 2000000000 + 7 * n else 2100000000 + 11 * n end,
    1,
    1,
    pg_temp.moment((n + 1) / 60.0::float8)
from generate_series(0, 59) as n;

insert into "Article" (id, "userId", "createdAt", "publishedAt")
values
    (1, 1, '2022-11-25', '2022-11-25'),
    (2, 1, null, null),                                                -- "createdAt" is null
    (3, 11, '2022-11-27', '2022-11-27');                               -- its owner is soft-deleted

insert into "Bounty" (id, "userId", "createdAt")
values
    (1, 1, '2022-11-28'),
    (2, null, '2022-11-29');                                           -- no owner, or none any more

insert into "BountyEntry" (id, "userId", "bountyId", "createdAt")
values
    (1, 2, 1, '2022-12-01'),
    (2, 3, 1, '2022-12-02'),
    (3, null, 1, '2022-12-03'),                                        -- no user, or none any more
    (6, 2, 1, pg_temp.just_before()),
    (7, 3, 1, pg_temp.cutoff());

insert into "Collection" (id, "userId", mode, "createdAt")
values
    (1, 4, null, '2022-11-10'),
    (2, 4, 'Bookmark', '2022-11-11'),
    (3, 4, 'Contest', null);                                           -- "createdAt" is null

insert into "Tag" (id, name)
values
    (1, 'followed'),
    (2, 'hidden');

insert into "DonationGoal" (id, "userId", "modelVersionId", "entityType", "entityId")
values
    (1, 1, 1, null, null),
    (2, 1, null, null, null),                                          -- for no version
    -- its version is gone: the foreign key emptied the old column, the pair stays as it was
    (3, 1, null, 'ModelVersion', 8),
    (4, 1, 4, 'ModelVersion', 10),                                     -- of model 7, which has no tips; the pair decides
    (5, 1, null, 'Article', 1),                                        -- of another kind
    (6, 1, 1, 'Article', 2);                                           -- of another kind, whatever the old column says

-- ImageReaction -----------------------------------------------------------------------------------------------------
insert into "ImageReaction" (id, "imageId", "userId", reaction, "createdAt", "updatedAt")
select
    id,
    "imageId",
    "userId",
    reaction::"ReviewReactions",
    "createdAt",
    "createdAt"
from (
    values
        (1, 1, 2, 'Like', pg_temp.just_before()),
        (2, 1, 3, 'Like', pg_temp.cutoff()),                           -- exactly at the cutoff: a live event's
        (3, 2, 2, 'Heart', '2023-01-03'),                              -- image without a post
        (4, 3, 2, 'Laugh', '2023-01-04'),                              -- image whose user is soft-deleted
        (8, 1, 2, 'Heart', '2023-01-08'),                              -- the second reaction of one user to one image
        (9, 1, 2, 'Dislike', '2023-01-09'),                            -- no event of the image, but of post and user
        (11, 1, 1, 'Cry', '2023-01-11'),                               -- to one's own image
        -- moments that some time zones lack, have twice, or count to another month
        (12, 1, 12, 'Like', '2024-03-10 02:30:00.123'),
        (13, 1, 13, 'Like', '2023-11-05 01:30:00.456'),
        (14, 1, 14, 'Like', '2024-02-29 23:59:59.999'),
        (15, 1, 15, 'Like', '2024-03-01 00:00:00'),
        (16, 2000000000, 16, 'Like', '2023-02-16')                     -- a low id on an image of a far one
) as reaction (id, "imageId", "userId", reaction, "createdAt");

-- Ids that leap, see "Image".
insert into "ImageReaction" (id, "imageId", "userId", reaction, "createdAt", "updatedAt")
select
    case when n < 200 then 2000000000 + 13 * n else 2100000000 + 17 * n end,
    case when n % 60 < 30 then 2000000000 + 7 * (n % 60) else 2100000000 + 11 * (n % 60) end,
    20 + n / 60,
    pg_temp.reaction(n, 9001),
    pg_temp.moment((n + 1) / 400.0::float8),
    pg_temp.moment((n + 1) / 400.0::float8)
from generate_series(0, 399) as n;

-- ArticleReaction, BountyEntryReaction ------------------------------------------------------------------------------
insert into "ArticleReaction" (id, "articleId", "userId", reaction, "createdAt", "updatedAt")
select
    id,
    "articleId",
    "userId",
    reaction::"ReviewReactions",
    "createdAt",
    "createdAt"
from (
    values
        (1, 1, 2, 'Like', timestamp '2023-01-01'),
        (2, 1, 2, 'Dislike', '2023-01-02'),
        (3, 1, 2, 'Laugh', '2023-01-03'),
        (4, 1, 2, 'Cry', '2023-01-04'),
        (5, 1, 2, 'Heart', '2023-01-05'),
        (7, 1, 3, 'Like', pg_temp.just_before()),
        (8, 1, 4, 'Like', pg_temp.cutoff()),
        (9, 3, 2, 'Heart', '2023-01-09')                               -- article whose owner is soft-deleted
) as reaction (id, "articleId", "userId", reaction, "createdAt");

insert into "BountyEntryReaction" ("bountyEntryId", "userId", reaction, "createdAt")
values
    (1, 2, 'Like', '2023-01-01'),
    (1, 2, 'Dislike', '2023-01-02'),
    (1, 2, 'Laugh', '2023-01-03'),
    (1, 2, 'Cry', '2023-01-04'),
    (1, 2, 'Heart', '2023-01-05'),
    (1, 3, 'Like', pg_temp.just_before()),
    (1, 4, 'Like', pg_temp.cutoff());

-- ResourceReview ----------------------------------------------------------------------------------------------------
insert into "ResourceReview" (
    id, "modelId", "modelVersionId", "userId", rating, recommended, exclude, "tosViolation", "createdAt", "updatedAt"
)
select
    id,
    "modelId",
    "modelVersionId",
    "userId",
    rating,
    recommended,
    exclude,
    tos,
    "createdAt",
    "createdAt"
from (
    values
        -- user 5 recommends two versions of one model
        (1, 1, 1, 5, 5, true, false, false, timestamp '2023-02-01'),
        (2, 1, 2, 5, 4, true, false, false, '2023-02-02'),
        -- user 6 recommends one of them and not the other
        (3, 1, 1, 6, 5, true, false, false, '2023-02-03'),
        (4, 1, 2, 6, 1, false, false, false, '2023-02-04'),
        -- user 7 recommends one before the cutoff and one after: the model's event is the earlier one
        (5, 1, 1, 7, 5, true, false, false, '2023-02-05'),
        (6, 1, 2, 7, 5, true, false, false, '2024-08-20'),
        -- user 19 does so the other way round, by id
        (7, 1, 1, 19, 5, true, false, false, '2024-08-21'),
        (8, 1, 2, 19, 5, true, false, false, '2023-02-08'),
        -- user 18 likes neither
        (9, 1, 1, 18, 2, false, false, false, '2023-02-09'),
        (10, 1, 2, 18, 1, false, false, false, '2023-02-10'),
        (11, 1, 1, 11, 5, true, true, false, '2023-02-11'),            -- excluded
        (12, 1, 1, 12, 5, true, false, true, '2023-02-12'),            -- violates the terms of service
        (13, 1, 1, 13, 5, true, true, true, '2023-02-13'),             -- both
        -- user 14's earliest review is excluded, the second is not
        (14, 1, 1, 14, 5, true, true, false, '2023-02-14'),
        (15, 1, 2, 14, 5, true, false, false, '2023-02-15'),
        (16, 2, 4, 10, 0, false, false, false, '2023-02-16'),          -- rating 0
        (17, 2, 4, 11, 3, true, false, false, '2023-02-17'),           -- rating 3
        (18, 1, 3, 2, 5, true, false, false, '2023-02-18'),            -- version is a draft
        (19, 3, 5, 2, 5, true, false, false, '2023-02-19'),            -- version is unpublished
        (22, 1, 4, 2, 5, true, false, false, '2023-02-22'),            -- the version has moved to another model since
        (24, 2, 4, 3, 5, true, false, false, pg_temp.just_before()),
        (25, 2, 4, 4, 5, true, false, false, pg_temp.cutoff()),
        (26, 4, 6, 2, 1, false, false, false, '2023-02-26')            -- model is soft-deleted
) as review (id, "modelId", "modelVersionId", "userId", rating, recommended, exclude, tos, "createdAt");

-- Comment, Thread, CommentV2 ----------------------------------------------------------------------------------------
insert into "Comment" (id, "modelId", "userId", "parentId", "tosViolation", "createdAt", "updatedAt")
select
    id,
    "modelId",
    "userId",
    "parentId",
    tos,
    "createdAt",
    "createdAt"
from (
    values
        -- user 2 comments before the cutoff, and again after it
        (1, 1, 2, null, false, timestamp '2023-03-01'),
        (2, 1, 2, null, false, '2024-08-20'),
        (3, 1, 3, null, true, '2023-03-03'),                           -- violates the terms of service
        (5, 1, 4, 1, false, '2023-03-05'),                             -- a reply
        -- user 5's first comment violates the terms, the second does not
        (6, 1, 5, null, true, '2023-03-06'),
        (7, 1, 5, null, false, '2023-03-07'),
        (8, 2, 2, null, false, pg_temp.just_before()),
        (9, 2, 3, null, false, pg_temp.cutoff())
) as comment (id, "modelId", "userId", "parentId", tos, "createdAt");

-- 8 is gone; 7 and 9 are child threads: they name a root and a parent, and no entity.
insert into "Thread" (
    id,
    "rootThreadId",
    "parentThreadId",
    "postId",
    "imageId",
    "articleId",
    "bountyId",
    "modelId",
    "commentId",
    "reviewId"
)
values
    (1, null, null, 1, null, null, null, null, null, null),
    (2, null, null, null, 1, null, null, null, null, null),
    (3, null, null, null, null, 1, null, null, null, null),
    (4, null, null, null, null, null, 1, null, null, null),
    (5, null, null, null, null, null, null, 1, null, null),
    (6, null, null, null, null, null, null, null, null, 1),
    (7, 1, 1, null, null, null, null, null, 1, null),
    (9, 1, 7, null, null, null, null, null, 8, null),
    (10, null, null, null, null, null, null, null, null, null),        -- its post is gone
    (12, null, null, null, 2000000000, null, null, null, null, null);

insert into "CommentV2" (id, "threadId", "userId", "tosViolation", "createdAt", "updatedAt")
select
    id,
    "threadId",
    "userId",
    tos,
    "createdAt",
    "createdAt"
from (
    values
        (1, 1, 2, false, timestamp '2023-04-01'),
        (2, 2, 2, false, '2023-04-02'),
        (3, 3, 2, false, '2023-04-03'),
        (4, 4, 2, false, '2023-04-04'),
        (5, 5, 2, false, '2023-04-05'),                                -- thread of a model: no metric
        (6, 6, 2, false, '2023-04-06'),                                -- thread of a review: no metric
        (7, 7, 3, false, '2023-04-07'),                                -- reply in a child thread
        (8, 7, 2, false, '2023-04-08'),
        (9, 9, 3, false, '2023-04-09'),                                -- reply to the reply, a thread further down
        (11, 10, 2, false, '2023-04-11'),                              -- thread of a post that is gone
        (12, 1, 3, true, '2023-04-12'),                                -- violates the terms, and counts all the same
        (13, 1, 2, false, '2023-04-13'),                               -- the same user again: counts
        (14, 1, 4, false, pg_temp.just_before()),
        (15, 1, 5, false, pg_temp.cutoff()),
        (17, 12, 2, false, '2023-04-17')
) as comment (id, "threadId", "userId", tos, "createdAt");

-- CollectionItem, CollectionContributor -----------------------------------------------------------------------------
insert into "CollectionItem" (
    id,
    "collectionId",
    "modelId",
    "postId",
    "imageId",
    "articleId",
    "modelVersionId",
    "addedById",
    "createdAt",
    "updatedAt"
)
values
    -- user 4 collects model 1 three times, in three collections, and once more in the first
    (1, 1, 1, null, null, null, null, 4, '2023-05-01', '2023-05-01'),
    (2, 2, 1, null, null, null, null, 4, '2023-05-02', '2023-05-02'),
    (3, 3, 1, null, null, null, null, 4, '2023-05-03', '2023-05-03'),
    (4, 1, 1, null, null, null, null, 4, '2023-05-04', '2023-05-04'),
    -- "createdAt" is null: "updatedAt" stands in; and where that is null too, the first day of all
    (5, 1, 1, null, null, null, null, 5, null, '2023-05-05 05:05:05.005'),
    (6, 1, 1, null, null, null, null, 6, null, null),
    (7, 1, null, null, 1, null, null, 7, null, '2024-08-20'),          -- "updatedAt" after the cutoff
    -- nobody added it: no event of a model or a version, one of user 0 of anything else
    (8, 1, 1, null, null, null, null, null, '2023-05-08', '2023-05-08'),
    (9, 1, null, 1, null, null, null, null, '2023-05-09', '2023-05-09'),
    (10, 1, null, null, 1, null, null, null, '2023-05-10', '2023-05-10'),
    (11, 1, null, null, null, 1, null, null, '2023-05-11', '2023-05-11'),
    (12, 1, null, null, null, null, 1, null, '2023-05-12', '2023-05-12'),
    -- user 10 collects model 2 before the cutoff and after it
    (19, 1, 2, null, null, null, null, 10, '2023-05-19', '2023-05-19'),
    (20, 2, 2, null, null, null, null, 10, '2024-08-20', '2024-08-20'),
    -- user 12's earliest is the one without "createdAt"
    (21, 1, 2, null, null, null, null, 12, '2023-05-21', '2023-05-21'),
    (22, 2, 2, null, null, null, null, 12, null, '2023-04-21'),
    (23, 1, 1, null, null, null, 1, 13, '2023-05-23', '2023-05-23'),   -- names both a model and its version
    (24, 1, null, null, null, null, null, 2, '2023-05-24', '2023-05-24'), -- names nothing: an item all the same
    (25, 1, null, null, 1, null, null, 2, pg_temp.just_before(), pg_temp.just_before()),
    (26, 1, null, null, 1, null, null, 3, pg_temp.cutoff(), pg_temp.cutoff()),
    (27, 1, 2, null, null, null, null, 2, pg_temp.just_before(), pg_temp.just_before()),
    (28, 1, 2, null, null, null, null, 3, pg_temp.cutoff(), pg_temp.cutoff()),
    (29, 1, null, 1, null, null, null, 2, '2023-05-29', '2023-05-29'),
    (30, 1, null, null, null, 1, null, 2, '2023-05-30', '2023-05-30'),
    (31, 1, null, null, null, null, 1, 2, '2023-05-31', '2023-05-31'),
    (32, 1, null, null, 2000000000, null, null, 2, '2023-06-01', '2023-06-01'),
    (33, 2, null, null, null, null, 1, 2, '2023-06-02', '2023-06-02'); -- user 2 collects version 1 once more

insert into "CollectionContributor" ("userId", "collectionId", permissions, "createdAt", "updatedAt")
values
    (2, 1, '{VIEW}', '2023-06-02', '2023-06-02'),
    (3, 1, '{ADD}', '2023-06-03', '2023-06-03'),
    (4, 1, '{VIEW,ADD}', '2023-06-04', '2023-06-04'),                  -- follower and contributor
    (5, 1, null, '2023-06-05', '2023-06-05'),                          -- neither
    (6, 1, '{}', '2023-06-06', '2023-06-06'),                          -- neither
    (7, 1, '{ADD_REVIEW,MANAGE}', '2023-06-07', '2023-06-07'),         -- neither
    (10, 1, '{VIEW,VIEW}', '2023-06-10', '2023-06-10'),                -- a follower once
    (12, 1, '{VIEW}', null, '2023-06-12'),                             -- "createdAt" is null
    (13, 1, '{VIEW}', null, null),                                     -- both are null
    (16, 1, '{VIEW,ADD}', pg_temp.just_before(), pg_temp.just_before()),
    (17, 1, '{VIEW,ADD}', pg_temp.cutoff(), pg_temp.cutoff());

-- ImageResourceNew --------------------------------------------------------------------------------------------------
insert into "ImageResourceNew" ("imageId", "modelVersionId", detected)
values
    (1, 1, true),
    (1, 2, false),                                                     -- two versions of one model: two events of it
    (2, 4, true),
    (3, 1, true),                                                      -- by a user who is soft-deleted
    (6, 1, true),                                                      -- image of the last moment
    (7, 1, true);                                                      -- image of the cutoff

insert into "ImageResourceNew" ("imageId", "modelVersionId", detected)
select
    2000000000 + 7 * n,
    1,
    true
from generate_series(0, 9) as n;

-- BuzzTip, Donation -------------------------------------------------------------------------------------------------
-- To each kind of thing: to 1, which is there, and to 8, which is not.
insert into "BuzzTip" ("entityType", "entityId", "toUserId", "fromUserId", amount, "createdAt", "updatedAt")
select
    "entityType",
    "entityId",
    1,
    2,
    100 + ordinal,
    timestamp '2023-07-01' + ordinal * interval '1 day',
    timestamp '2023-07-01' + ordinal * interval '1 day'
from unnest(
    array['Image', 'Model', 'ModelVersion', 'Post', 'Article', 'BountyEntry', 'bountyEntry', 'Challenge']
) with ordinality as kind ("entityType", ordinal)
cross join (values (1), (8)) as target ("entityId");

insert into "BuzzTip" ("entityType", "entityId", "toUserId", "fromUserId", amount, "createdAt", "updatedAt")
values
    -- amount 0: a tip of nothing still counts as a tip
    ('Image', 1, 1, 10, 0, '2023-08-01', '2023-08-01'),
    ('Model', 1, 1, 10, 0, '2023-08-02', '2023-08-02'),
    ('Model', 1, 1, 12, 102, '2023-08-03', '2023-08-03'),              -- the same amount as user 2's
    ('Model', 6, 1, 2, 50, '2023-08-04', '2023-08-04'),                -- model with tips only
    ('ModelVersion', 1, 1, 12, 30, '2023-08-05', '2023-08-05'),
    ('bountyEntry', 2, 3, 12, 60, '2023-08-06', '2023-08-06'),         -- the lower-case spelling alone
    ('Article', 1, 1, 12, 70, '2023-08-07', '2024-08-20'),             -- raised after the cutoff: "createdAt" decides
    ('Post', 1, 8, 9, 17, '2023-08-07', '2023-08-07'),                 -- between users who are gone: no key guards them
    ('Image', 2000000000, 1, 2, 80, '2023-08-08', '2023-08-08'),
    ('Image', 1, 1, 3, 11, pg_temp.just_before(), pg_temp.just_before()),
    ('Image', 1, 1, 4, 12, pg_temp.cutoff(), pg_temp.cutoff()),
    ('Model', 1, 1, 3, 13, pg_temp.just_before(), pg_temp.just_before()),
    ('Model', 1, 1, 4, 14, pg_temp.cutoff(), pg_temp.cutoff()),
    ('Post', 1, 1, 3, 15, pg_temp.just_before(), pg_temp.just_before()),
    ('Post', 1, 1, 4, 16, pg_temp.cutoff(), pg_temp.cutoff());

insert into "Donation" (id, "userId", "donationGoalId", amount, "createdAt")
values
    (1, 2, 1, 102, '2023-09-01'),                                      -- the same amount as a tip to the model
    (2, 2, 2, 20, '2023-09-02'),                                       -- goal for no version
    (3, 2, 3, 30, '2023-09-03'),                                       -- goal of a version that is gone
    (5, 2, 1, 0, '2023-09-05'),                                        -- amount 0
    (6, 2, 1, 102, '2023-09-06'),                                      -- the same amount again
    (7, 3, 1, 70, pg_temp.just_before()),
    (8, 4, 1, 80, pg_temp.cutoff()),
    (9, 2, 4, 90, '2023-09-09'),                                       -- model with donations only
    (11, 2, 5, 120, '2023-09-11'),                                     -- goals of another kind
    (12, 2, 6, 130, '2023-09-12');

-- Engagements -------------------------------------------------------------------------------------------------------
insert into "UserEngagement" ("userId", "targetUserId", type, "createdAt")
values
    (2, 1, 'Follow', '2023-10-01'),
    (3, 1, 'Hide', '2023-10-02'),
    (4, 1, 'Block', '2023-10-03'),
    (5, 5, 'Follow', '2023-10-06'),                                    -- oneself
    (6, 1, 'Follow', pg_temp.just_before()),
    (7, 1, 'Follow', pg_temp.cutoff());

insert into "TagEngagement" ("userId", "tagId", type, "createdAt")
values
    (2, 1, 'Follow', '2023-10-01'),
    (2, 2, 'Hide', '2023-10-02'),
    (3, 1, 'Allow', '2023-10-03'),
    (6, 1, 'Follow', pg_temp.just_before()),
    (7, 1, 'Follow', pg_temp.cutoff());

insert into "ArticleEngagement" ("userId", "articleId", type, "createdAt")
values
    (2, 1, 'Hide', '2023-10-01'),
    (3, 1, 'Favorite', '2023-10-02'),                                  -- no metric: favourites are collection items
    (6, 1, 'Hide', pg_temp.just_before()),
    (7, 1, 'Hide', pg_temp.cutoff());

insert into "BountyEngagement" ("userId", "bountyId", type, "createdAt")
values
    -- user 2 does both
    (2, 1, 'Favorite', '2023-10-01'),
    (2, 1, 'Track', '2023-10-02'),
    (6, 1, 'Track', pg_temp.just_before()),
    (7, 1, 'Track', pg_temp.cutoff());

-- BountyBenefactor --------------------------------------------------------------------------------------------------
insert into "BountyBenefactor" (
    "userId", "bountyId", "unitAmount", "awardedToId", "awardedAt", "createdAt", "updatedAt"
)
values
    (2, 1, 500, 1, '2023-11-10', '2023-11-01', '2023-11-10'),
    (3, 1, 600, 2, null, '2023-11-02', '2023-11-11'),                  -- awarded, nobody knows when
    (4, 1, 700, null, '2023-11-12', '2023-11-03', '2023-11-12'),       -- awarded to an entry that is gone
    (5, 1, 800, null, null, '2023-11-04', '2023-11-04'),               -- not awarded
    (6, 1, 110, 1, pg_temp.just_before(), '2023-11-06', pg_temp.just_before()),
    (7, 1, 120, 1, pg_temp.cutoff(), '2023-11-07', pg_temp.cutoff()),  -- given before the cutoff, awarded at it
    (10, 1, 130, 1, null, '2023-11-08', '2024-08-20'),                 -- the same by "updatedAt"
    (11, 1, 140, null, null, pg_temp.just_before(), pg_temp.just_before()),
    (12, 1, 150, null, null, pg_temp.cutoff(), pg_temp.cutoff()),
    (13, 1, 0, 2, '2023-11-14', '2023-11-09', '2023-11-14');           -- amount 0
