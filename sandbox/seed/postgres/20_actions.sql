-- What the community does, all but "ImageReaction". Salts 2100 and on.

insert into "ArticleReaction" (id, "articleId", "userId", reaction, "createdAt", "updatedAt")
select
    1000 + n,
    pg_temp.pick(n, 2101, progress, 'Article'),
    pg_temp.someone(n, 2103, progress),
    pg_temp.reaction(n, 2104),
    pg_temp.moment(progress),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('ArticleReaction') as progress
    from generate_series(1, pg_temp.rows_of('ArticleReaction')) as n
    where pg_temp.kept('ArticleReaction', n)
) as reaction
on conflict do nothing;

insert into "BountyEntryReaction" ("bountyEntryId", "userId", reaction, "createdAt")
select
    pg_temp.pick(n, 2201, progress, 'BountyEntry'),
    pg_temp.someone(n, 2203, progress),
    pg_temp.reaction(n, 2204),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('BountyEntryReaction') as progress
    from generate_series(1, pg_temp.rows_of('BountyEntryReaction')) as n
    where pg_temp.kept('BountyEntryReaction', n)
) as reaction
on conflict do nothing;

insert into "ResourceReview" (
    id, "modelId", "modelVersionId", rating, recommended, "userId", exclude, "tosViolation", "createdAt", "updatedAt"
)
select
    1000 + n,
    pg_temp.model_of("modelVersionId"),
    "modelVersionId",
    rating,
    -- mostly what the rating says: the two were asked for at different times
    rating >= 3 or pg_temp.u(n, 2305) < 0.05,
    pg_temp.someone(n, 2306, progress),
    pg_temp.u(n, 2307) < 0.02,
    pg_temp.u(n, 2308) < 0.01,
    pg_temp.moment(progress),
    pg_temp.moment(progress) + floor(power(pg_temp.u(n, 2309), 8) * 30) * interval '1 day'
from (
    select
        n,
        n::float8 / pg_temp.rows_of('ResourceReview') as progress,
        1001 + pg_temp.draw(
            n, 2301, n::float8 / pg_temp.rows_of('ResourceReview'), pg_temp.rows_of('ModelVersion')
        ) as "modelVersionId",
        ('{5,5,5,5,5,5,5,5,5,5,5,5,5,4,4,3,2,1,1,1}'::int[])[1 + floor(pg_temp.u(n, 2303) * 20)::int] as rating
    from generate_series(1, pg_temp.rows_of('ResourceReview')) as n
    where pg_temp.kept('ResourceReview', n)
    offset 0  -- draw once: without this fence the draws are copied into every place that uses them
) as review
where pg_temp.kept('ModelVersion', "modelVersionId" - 1000)
on conflict do nothing;

insert into "Comment" (id, "modelId", "userId", "parentId", "tosViolation", "createdAt", "updatedAt")
select
    1000 + n,
    pg_temp.pick(n, 2401, progress, 'Model'),
    pg_temp.someone(n, 2403, progress),
    -- a reply to an earlier comment
    case
        when n > 1 and pg_temp.u(n, 2404) < 0.2
            then 1001 + pg_temp.still_there('Comment', floor((n - 1) * pg_temp.u(n, 2405))::bigint)
    end,
    pg_temp.u(n, 2406) < 0.03,
    pg_temp.moment(progress),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('Comment') as progress
    from generate_series(1, pg_temp.rows_of('Comment')) as n
    where pg_temp.kept('Comment', n)
) as comment;

insert into "CommentV2" (id, "threadId", "userId", "tosViolation", "createdAt", "updatedAt")
select
    1000 + n,
    pg_temp.pick(n, 2501, progress, 'Thread'),
    pg_temp.someone(n, 2503, progress),
    pg_temp.u(n, 2504) < 0.02,
    pg_temp.moment(progress),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('CommentV2') as progress
    from generate_series(1, pg_temp.rows_of('CommentV2')) as n
    where pg_temp.kept('CommentV2', n)
) as comment;

-- Of twenty threads 8 are of posts, 7 of images, 1 of an article, 1 of a model or a review. The rest are child threads,
-- which name their root, their parent and a comment, and no entity; one in twelve of these is a bounty's own instead.
-- A thread outlives its entity, as its foreign key has it, and names none then.
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
select
    1000 + n,
    case when child then root end,
    case when child then root end,
    case when kind < 8 then pg_temp.id_if_kept('Post', (8 * ordinal + kind) * 2) end,
    case when kind between 8 and 14 then pg_temp.id_if_kept('Image', (7 * ordinal + kind - 8) * 5) end,
    case when kind = 15 then pg_temp.id_if_kept('Article', ordinal) end,
    case when kind = 17 and not child then pg_temp.id_if_kept('Bounty', ordinal / 4) end,
    case when kind = 16 and ordinal % 2 = 0 then pg_temp.id_if_kept('Model', ordinal * 2) end,
    case when child then pg_temp.id_if_kept('CommentV2', (4 * ordinal + kind - 16) * 3) end,
    review.id
from (
    select
        n,
        n % 20 as kind,
        n / 20 as ordinal,
        n % 20 > 17 or (n % 20 = 17 and n / 20 % 4 > 0) as child,
        -- the first of some twenty, or the one before it: a post's thread
        1001 + pg_temp.still_there('Thread', n / 40 * 20) as root
    from generate_series(1, pg_temp.rows_of('Thread')) as n
    where pg_temp.kept('Thread', n)
) as thread
left join "ResourceReview" as review on kind = 16 and ordinal % 2 = 1 and review.id = 1001 + ordinal * 10;

-- Of a hundred items 40 are images, 34 models, 11 posts, 10 articles and 5 versions.
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
select
    1000 + n,
    pg_temp.pick(n, 2601, progress, 'Collection'),
    case
        when kind < 0.34 then pg_temp.pick(n, 2604, progress, 'Model')
    end,
    case
        when kind >= 0.34 and kind < 0.45 then pg_temp.pick(n, 2606, progress, 'Post')
    end,
    case
        when kind >= 0.45 and kind < 0.85 then pg_temp.pick(n, 2608, progress, 'Image')
    end,
    case
        when kind >= 0.85 and kind < 0.95 then pg_temp.pick(n, 2610, progress, 'Article')
    end,
    case when kind >= 0.95 then version end,
    case when pg_temp.u(n, 2614) >= 0.01 then pg_temp.someone(n, 2615, progress) end,
    -- the earliest rows had no timestamps at first: now some have only "updatedAt", and some neither
    case when undated >= 0.01 then pg_temp.moment(progress) end,
    case when undated >= 0.004 then pg_temp.moment(progress) end
from (
    select
        n,
        n::float8 / pg_temp.rows_of('CollectionItem') as progress,
        pg_temp.u(n, 2603) as kind,
        1001 + pg_temp.draw(
            n, 2612, n::float8 / pg_temp.rows_of('CollectionItem'), pg_temp.rows_of('ModelVersion')
        ) as version,
        pg_temp.u(n, 2616) as undated
    from generate_series(1, pg_temp.rows_of('CollectionItem')) as n
    where pg_temp.kept('CollectionItem', n)
    offset 0
) as item
where
    kind < 0.95
    or pg_temp.kept('ModelVersion', version - 1000);

insert into "CollectionContributor" ("userId", "collectionId", permissions, "createdAt", "updatedAt")
select
    pg_temp.someone(n, 2701, progress),
    pg_temp.pick(n, 2702, progress, 'Collection'),
    (
        array[
            '{VIEW}', '{VIEW}', '{VIEW}', '{VIEW}', '{VIEW}', '{VIEW}', '{VIEW,ADD}', '{VIEW,ADD}', '{ADD}',
            '{VIEW,ADD_REVIEW}', '{VIEW,ADD,MANAGE}', '{ADD_REVIEW}', '{}', null
        ]
    )[1 + floor(pg_temp.u(n, 2704) * 14)::int]::"CollectionContributorPermission"[],
    case when pg_temp.u(n, 2705) >= 0.02 then pg_temp.moment(progress) end,
    case when pg_temp.u(n, 2705) >= 0.01 then pg_temp.moment(progress) end
from (
    select
        n,
        n::float8 / pg_temp.rows_of('CollectionContributor') as progress
    from generate_series(1, pg_temp.rows_of('CollectionContributor')) as n
    where pg_temp.kept('CollectionContributor', n)
) as contributor
on conflict do nothing;

-- Every third image was made with about three resources, the others were uploaded without any.
insert into "ImageResourceNew" ("imageId", "modelVersionId", detected)
select
    image,
    version,
    pg_temp.u(n, 2803) < 0.7
from (
    select
        n,
        1001 + (n - 1) * (pg_temp.rows_of('Image') / 3)::bigint / pg_temp.rows_of('ImageResourceNew') * 3 as image,
        1001 + pg_temp.draw(
            n, 2801, n::float8 / pg_temp.rows_of('ImageResourceNew'), pg_temp.rows_of('ModelVersion')
        ) as version
    from generate_series(1, pg_temp.rows_of('ImageResourceNew')) as n
    where pg_temp.kept('ImageResourceNew', n)
    offset 0
) as resource
where
    pg_temp.kept('Image', image - 1000)
    and pg_temp.kept('ModelVersion', version - 1000)
on conflict do nothing;

-- Both spellings of BountyEntry, and 'Challenge', which no rule knows yet. No key guards what was tipped: it may be
-- gone.
insert into "BuzzTip" ("entityType", "entityId", "toUserId", "fromUserId", amount, "createdAt", "updatedAt")
select
    "entityType",
    1001 + pg_temp.draw(
        n,
        2902,
        progress,
        case "entityType"
            when 'bountyEntry' then pg_temp.rows_of('BountyEntry')
            when 'Challenge' then 50
            else pg_temp.rows_of("entityType")
        end
    ),
    pg_temp.someone(n, 2904, progress),
    pg_temp.someone(n, 2905, progress),
    case when pg_temp.u(n, 2906) < 0.01 then 0 else pg_temp.amount(n, 2907) end,
    pg_temp.moment(progress),
    pg_temp.moment(progress) + floor(power(pg_temp.u(n, 2909), 6) * 60) * interval '1 day'
from (
    select
        n,
        n::float8 / pg_temp.rows_of('BuzzTip') as progress,
        (
            '{Image,Image,Image,Image,Image,Image,Image,Image,Model,Model,Model,Model,Post,Post,Post,
              Article,Article,BountyEntry,bountyEntry,Challenge}'::text[]
        )[1 + floor(pg_temp.u(n, 2901) * 20)::int] as "entityType"
    from generate_series(1, pg_temp.rows_of('BuzzTip')) as n
    where pg_temp.kept('BuzzTip', n)
    offset 0
) as tip
on conflict do nothing;

insert into "Donation" (id, "userId", "donationGoalId", amount, "createdAt")
select
    1000 + n,
    pg_temp.someone(n, 3001, progress),
    pg_temp.pick(n, 3002, progress, 'DonationGoal'),
    pg_temp.amount(n, 3004),
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('Donation') as progress
    from generate_series(1, pg_temp.rows_of('Donation')) as n
    where pg_temp.kept('Donation', n)
) as donation;

insert into "UserEngagement" ("userId", "targetUserId", type, "createdAt")
select
    pg_temp.someone(n, 3101, progress),
    pg_temp.pick(n, 3102, progress, 'User'),
    (
        '{Follow,Follow,Follow,Follow,Follow,Follow,Follow,Hide,Hide,Block}'::"UserEngagementType"[]
    )[1 + floor(pg_temp.u(n, 3104) * 10)::int],
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('UserEngagement') as progress
    from generate_series(1, pg_temp.rows_of('UserEngagement')) as n
    where pg_temp.kept('UserEngagement', n)
) as engagement
on conflict do nothing;

insert into "TagEngagement" ("userId", "tagId", type, "createdAt")
select
    pg_temp.someone(n, 3201, progress),
    pg_temp.pick(n, 3202, progress, 'Tag'),
    ('{Hide,Hide,Hide,Hide,Follow,Follow,Follow,Allow}'::"TagEngagementType"[])[1 + floor(pg_temp.u(n, 3204) * 8)::int],
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('TagEngagement') as progress
    from generate_series(1, pg_temp.rows_of('TagEngagement')) as n
    where pg_temp.kept('TagEngagement', n)
) as engagement
on conflict do nothing;

insert into "ArticleEngagement" ("userId", "articleId", type, "createdAt")
select
    pg_temp.someone(n, 3301, progress),
    pg_temp.pick(n, 3302, progress, 'Article'),
    ('{Favorite,Favorite,Hide}'::"ArticleEngagementType"[])[1 + floor(pg_temp.u(n, 3304) * 3)::int],
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('ArticleEngagement') as progress
    from generate_series(1, pg_temp.rows_of('ArticleEngagement')) as n
    where pg_temp.kept('ArticleEngagement', n)
) as engagement
on conflict do nothing;

insert into "BountyEngagement" ("userId", "bountyId", type, "createdAt")
select
    pg_temp.someone(n, 3401, progress),
    pg_temp.pick(n, 3402, progress, 'Bounty'),
    ('{Favorite,Favorite,Track}'::"BountyEngagementType"[])[1 + floor(pg_temp.u(n, 3404) * 3)::int],
    pg_temp.moment(progress)
from (
    select
        n,
        n::float8 / pg_temp.rows_of('BountyEngagement') as progress
    from generate_series(1, pg_temp.rows_of('BountyEngagement')) as n
    where pg_temp.kept('BountyEngagement', n)
) as engagement
on conflict do nothing;

-- Two benefactors in five have awarded their share to an entry of the bounty; some awards were never dated. Of an entry
-- withdrawn since, the date alone is left.
insert into "BountyBenefactor" (
    "userId", "bountyId", "unitAmount", "awardedToId", "awardedAt", "createdAt", "updatedAt"
)
select
    pg_temp.someone(n, 3501, progress),
    "bountyId",
    pg_temp.amount(n, 3504),
    case
        when award < 0.4
            then pg_temp.id_if_kept(
                'BountyEntry',
                floor(
                    ("bountyId" - 1001 + pg_temp.u(n, 3507))
                    * pg_temp.rows_of('BountyEntry')
                    / pg_temp.rows_of('Bounty')
                )::bigint
            )
    end,
    case when award < 0.36 then awarded end,
    pg_temp.moment(progress),
    case when award < 0.4 then awarded else pg_temp.moment(progress) end
from (
    select
        n,
        progress,
        pg_temp.pick(n, 3502, progress, 'Bounty') as "bountyId",
        pg_temp.u(n, 3506) as award,
        pg_temp.moment(progress + (1 - progress) * power(pg_temp.u(n, 3508), 2)) as awarded
    from (
        select
            n,
            n::float8 / pg_temp.rows_of('BountyBenefactor') as progress
        from generate_series(1, pg_temp.rows_of('BountyBenefactor')) as n
        where pg_temp.kept('BountyBenefactor', n)
    ) as numbered
    offset 0
) as benefactor
on conflict do nothing;
