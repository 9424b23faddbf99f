-- What the application's tracker has written into the event log since the cutoff; seed.py copies it to ClickHouse.
-- The tracker writes at the moment of the action: it takes nothing back when the entity goes, and a second review or a
-- second collecting of the same model counts once more. Rows without an entity, a metric or a value are left behind.

create temporary table live_events (
    "entityType" text,
    "entityId" int,
    "userId" int,
    "metricType" text,
    "metricValue" int,
    "createdAt" timestamp(3)
);

insert into live_events
select
    event.*,
    reaction."createdAt"
from "ImageReaction" as reaction
inner join "Image" as image on reaction."imageId" = image.id
cross join lateral (
    values
        (
            'Image',
            image.id,
            reaction."userId",
            case when reaction.reaction <> 'Dislike' then 'Reaction' || reaction.reaction end,
            1
        ),
        ('Post', image."postId", reaction."userId", 'Reaction' || reaction.reaction, 1),
        ('User', image."userId", reaction."userId", 'UserImageReaction', 1)
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where reaction."createdAt" >= pg_temp.cutoff();

-- Reactions given and withdrawn since: no row in PostgreSQL is left of them. One in ten was given before the cutoff
-- already, so that only the withdrawal is in the log.
insert into live_events
select
    'Image',
    reaction."imageId",
    reaction."userId" + 1,
    'Reaction' || reaction.reaction,
    change.value,
    reaction."createdAt" + change.later
from "ImageReaction" as reaction
inner join "Image" as image on reaction."imageId" = image.id
cross join (values (1, interval '0'), (-1, interval '1 hour')) as change (value, later)
where
    reaction."createdAt" >= pg_temp.cutoff()
    and reaction.reaction <> 'Dislike'
    and reaction.id % 40 = 0
    and (change.value = -1 or reaction.id % 400 > 0);

-- Hard cases: withdrawn at the very cutoff, and a thing that got more withdrawals than reactions since.
insert into live_events
values
    ('Image', 1, 20, 'ReactionLike', -1, pg_temp.cutoff()),
    ('Image', 2, 21, 'ReactionHeart', -1, pg_temp.cutoff() + interval '1 second'),
    ('Image', 2, 22, 'ReactionHeart', -1, pg_temp.cutoff() + interval '2 seconds');

insert into live_events
select
    'Article',
    "articleId",
    "userId",
    'Reaction' || reaction,
    1,
    "createdAt"
from "ArticleReaction"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    'BountyEntry',
    "bountyEntryId",
    "userId",
    'Reaction' || reaction,
    1,
    "createdAt"
from "BountyEntryReaction"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    event.*,
    review."createdAt"
from "ResourceReview" as review
cross join lateral (
    values
        ('User', review."userId", review."userId", 'Review', 1),
        ('Model', review."modelId", review."userId", 'Rating', review.rating),
        ('Model', review."modelId", review."userId", 'RatingCount', 1),
        (
            'Model',
            review."modelId",
            review."userId",
            case when review.recommended then 'ThumbsUp' else 'ThumbsDown' end,
            1
        ),
        ('ModelVersion', review."modelVersionId", review."userId", 'Rating', review.rating),
        ('ModelVersion', review."modelVersionId", review."userId", 'RatingCount', 1),
        (
            'ModelVersion',
            review."modelVersionId",
            review."userId",
            case when review.recommended then 'ThumbsUp' else 'ThumbsDown' end,
            1
        )
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where
    review."createdAt" >= pg_temp.cutoff()
    and not review.exclude
    and not review."tosViolation";

insert into live_events
select
    event.*,
    coalesce(item."createdAt", item."updatedAt")
from "CollectionItem" as item
cross join lateral (
    values
        ('Model', item."modelId", item."addedById", 'Collection', 1),
        ('Model', item."modelId", item."addedById", 'Favorite', 1),
        ('ModelVersion', item."modelVersionId", item."addedById", 'Collection', 1),
        ('Post', item."postId", item."addedById", 'Collection', 1),
        ('Image', item."imageId", item."addedById", 'Collection', 1),
        ('Article', item."articleId", item."addedById", 'Collection', 1),
        ('Article', item."articleId", item."addedById", 'Favorite', 1),
        ('Collection', item."collectionId", item."addedById", 'Item', 1)
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where coalesce(item."createdAt", item."updatedAt") >= pg_temp.cutoff();

insert into live_events
select
    'Model',
    "modelId",
    "userId",
    'Comment',
    1,
    "createdAt"
from "Comment"
where
    "createdAt" >= pg_temp.cutoff()
    and not "tosViolation";

insert into live_events
select
    event.*,
    comment."createdAt"
from "CommentV2" as comment
inner join "Thread" as thread on comment."threadId" = thread.id
cross join lateral (
    values
        ('Post', thread."postId", comment."userId", 'Comment', 1),
        ('Image', thread."imageId", comment."userId", 'Comment', 1),
        ('Article', thread."articleId", comment."userId", 'Comment', 1),
        ('Bounty', thread."bountyId", comment."userId", 'Comment', 1)
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where comment."createdAt" >= pg_temp.cutoff();

insert into live_events
select
    event.*,
    image."createdAt"
from "ImageResourceNew" as resource
inner join "Image" as image on resource."imageId" = image.id
inner join "ModelVersion" as version on resource."modelVersionId" = version.id
cross join lateral (
    values
        ('Model', version."modelId", image."userId", 'Image', 1),
        ('ModelVersion', version.id, image."userId", 'Image', 1)
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where image."createdAt" >= pg_temp.cutoff();

insert into live_events
select
    case tip."entityType" when 'bountyEntry' then 'BountyEntry' else tip."entityType" end,
    tip."entityId",
    tip."fromUserId",
    event."metricType",
    event."metricValue",
    tip."createdAt"
from "BuzzTip" as tip
cross join lateral (
    values
        (case tip."entityType" when 'Image' then 'Buzz' else 'TipAmount' end, tip.amount),
        (case tip."entityType" when 'Image' then null else 'TipCount' end, 1)
) as event ("metricType", "metricValue")
where
    tip."createdAt" >= pg_temp.cutoff()
    and tip."entityType" <> 'Challenge';

insert into live_events
select
    event.*,
    donation."createdAt"
from "Donation" as donation
inner join "DonationGoal" as goal on donation."donationGoalId" = goal.id
inner join "ModelVersion" as version
    on pg_temp.version_of(goal."modelVersionId", goal."entityType", goal."entityId") = version.id
cross join lateral (
    values
        ('Model', version."modelId", donation."userId", 'TipCount', 1),
        ('Model', version."modelId", donation."userId", 'TipAmount', donation.amount),
        ('ModelVersion', version.id, donation."userId", 'TipCount', 1),
        ('ModelVersion', version.id, donation."userId", 'TipAmount', donation.amount)
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where donation."createdAt" >= pg_temp.cutoff();

insert into live_events
select
    event.*,
    coalesce(contributor."createdAt", contributor."updatedAt")
from "CollectionContributor" as contributor
cross join lateral (
    values
        (
            'Collection',
            contributor."collectionId",
            contributor."userId",
            case when 'VIEW' = any(contributor.permissions) then 'Follower' end,
            1
        ),
        (
            'Collection',
            contributor."collectionId",
            contributor."userId",
            case when 'ADD' = any(contributor.permissions) then 'Contributor' end,
            1
        )
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where coalesce(contributor."createdAt", contributor."updatedAt") >= pg_temp.cutoff();

insert into live_events
select
    event.*,
    engagement."createdAt"
from "UserEngagement" as engagement
cross join lateral (
    values
        (
            'User',
            engagement."userId",
            engagement."userId",
            case engagement.type when 'Follow' then 'Following' end,
            1
        ),
        (
            'User',
            engagement."targetUserId",
            engagement."userId",
            case engagement.type when 'Follow' then 'Follower' when 'Hide' then 'Hidden' end,
            1
        )
) as event ("entityType", "entityId", "userId", "metricType", "metricValue")
where engagement."createdAt" >= pg_temp.cutoff();

insert into live_events
select
    'Tag',
    "tagId",
    "userId",
    case type when 'Hide' then 'Hidden' when 'Follow' then 'Follower' end,
    1,
    "createdAt"
from "TagEngagement"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    'Article',
    "articleId",
    "userId",
    case type when 'Hide' then 'Hide' end,
    1,
    "createdAt"
from "ArticleEngagement"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    'Bounty',
    "bountyId",
    "userId",
    type::text,
    1,
    "createdAt"
from "BountyEngagement"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    'Bounty',
    "bountyId",
    "userId",
    'Entry',
    1,
    "createdAt"
from "BountyEntry"
where "createdAt" >= pg_temp.cutoff();

insert into live_events
select
    event.*
from "BountyBenefactor" as benefactor
cross join lateral (
    values
        ('Bounty', benefactor."bountyId", benefactor."userId", 'Benefactor', 1, benefactor."createdAt"),
        (
            'Bounty',
            benefactor."bountyId",
            benefactor."userId",
            'UnitAmount',
            benefactor."unitAmount",
            benefactor."createdAt"
        ),
        (
            'BountyEntry',
            benefactor."awardedToId",
            benefactor."userId",
            'UnitAmount',
            benefactor."unitAmount",
            coalesce(benefactor."awardedAt", benefactor."updatedAt")
        )
) as event ("entityType", "entityId", "userId", "metricType", "metricValue", "createdAt")
where event."createdAt" >= pg_temp.cutoff();
