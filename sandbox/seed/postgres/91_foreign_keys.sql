-- The foreign keys of the real site, from its Prisma schema. PostgreSQL checks each against every row that was loaded,
-- and enforces it from here on: deletions cascade as they do there. Prisma adds `on update cascade`; ids never change.
-- No foreign key, there as here: "BuzzTip" at all (what was tipped is a kind and an id, users are plain numbers), and
-- "entityType" and "entityId" of "DonationGoal".

-- Prisma's default where the schema names no action: a user who has models cannot be deleted, only soft-deleted.
alter table "Model"
add foreign key ("userId") references "User" on delete restrict;

alter table "ModelVersion"
add foreign key ("modelId") references "Model" on delete cascade;

alter table "Post"
add foreign key ("userId") references "User" on delete cascade;

alter table "Image"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("postId") references "Post" on delete set null;

alter table "Article"
add foreign key ("userId") references "User" on delete cascade;

alter table "Bounty"
add foreign key ("userId") references "User" on delete set null;

alter table "BountyEntry"
add foreign key ("userId") references "User" on delete set null,
add foreign key ("bountyId") references "Bounty" on delete cascade;

alter table "Collection"
add foreign key ("userId") references "User" on delete cascade;

-- A thread, and so its comments, outlives the entity that it is about; "commentId" is a "CommentV2".id.
alter table "Thread"
add foreign key ("rootThreadId") references "Thread" on delete cascade,
add foreign key ("parentThreadId") references "Thread" on delete cascade,
add foreign key ("postId") references "Post" on delete set null,
add foreign key ("imageId") references "Image" on delete set null,
add foreign key ("articleId") references "Article" on delete set null,
add foreign key ("bountyId") references "Bounty" on delete set null,
add foreign key ("modelId") references "Model" on delete set null,
add foreign key ("commentId") references "CommentV2" on delete set null,
add foreign key ("reviewId") references "ResourceReview" on delete set null;

alter table "DonationGoal"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("modelVersionId") references "ModelVersion" on delete set null;

alter table "ImageReaction"
add foreign key ("imageId") references "Image" on delete cascade,
add foreign key ("userId") references "User" on delete cascade;

alter table "ArticleReaction"
add foreign key ("articleId") references "Article" on delete cascade,
add foreign key ("userId") references "User" on delete cascade;

alter table "BountyEntryReaction"
add foreign key ("bountyEntryId") references "BountyEntry" on delete cascade,
add foreign key ("userId") references "User" on delete cascade;

alter table "ResourceReview"
add foreign key ("modelId") references "Model" on delete cascade,
add foreign key ("modelVersionId") references "ModelVersion" on delete cascade,
add foreign key ("userId") references "User" on delete cascade;

alter table "Comment"
add foreign key ("modelId") references "Model" on delete cascade,
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("parentId") references "Comment" on delete cascade;

alter table "CommentV2"
add foreign key ("threadId") references "Thread" on delete cascade,
add foreign key ("userId") references "User" on delete cascade;

-- "modelVersionId" is no column of that schema; it follows the others.
alter table "CollectionItem"
add foreign key ("collectionId") references "Collection" on delete cascade,
add foreign key ("modelId") references "Model" on delete cascade,
add foreign key ("postId") references "Post" on delete cascade,
add foreign key ("imageId") references "Image" on delete cascade,
add foreign key ("articleId") references "Article" on delete cascade,
add foreign key ("modelVersionId") references "ModelVersion" on delete cascade,
add foreign key ("addedById") references "User" on delete set null;

alter table "CollectionContributor"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("collectionId") references "Collection" on delete cascade;

alter table "ImageResourceNew"
add foreign key ("imageId") references "Image" on delete cascade,
add foreign key ("modelVersionId") references "ModelVersion" on delete cascade;

alter table "Donation"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("donationGoalId") references "DonationGoal" on delete cascade;

alter table "UserEngagement"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("targetUserId") references "User" on delete cascade;

alter table "TagEngagement"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("tagId") references "Tag" on delete cascade;

alter table "ArticleEngagement"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("articleId") references "Article" on delete cascade;

alter table "BountyEngagement"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("bountyId") references "Bounty" on delete cascade;

alter table "BountyBenefactor"
add foreign key ("userId") references "User" on delete cascade,
add foreign key ("bountyId") references "Bounty" on delete cascade,
add foreign key ("awardedToId") references "BountyEntry" on delete set null;

-- The legacy counters go with what they count.
alter table "UserMetric"
add foreign key ("userId") references "User" on delete cascade;

alter table "ModelMetric"
add foreign key ("modelId") references "Model" on delete cascade;

alter table "ModelVersionMetric"
add foreign key ("modelVersionId") references "ModelVersion" on delete cascade;

alter table "PostMetric"
add foreign key ("postId") references "Post" on delete cascade;

alter table "ImageMetric"
add foreign key ("imageId") references "Image" on delete cascade;

alter table "CollectionMetric"
add foreign key ("collectionId") references "Collection" on delete cascade;

alter table "TagMetric"
add foreign key ("tagId") references "Tag" on delete cascade;

alter table "ArticleMetric"
add foreign key ("articleId") references "Article" on delete cascade;

alter table "BountyMetric"
add foreign key ("bountyId") references "Bounty" on delete cascade;

alter table "BountyEntryMetric"
add foreign key ("bountyEntryId") references "BountyEntry" on delete cascade;

-- A deletion looks up what names the row: without an index it reads the whole table, for each row of a cascade.
do $$
declare
    foreign_key record;
begin
    for foreign_key in
        select conrelid::regclass as keyed, attname
        from pg_constraint
        inner join pg_attribute on attrelid = conrelid and attnum = conkey[1]
        where
            contype = 'f'
            and not exists (select from pg_index where indrelid = conrelid and indkey[0] = attnum)
    loop
        execute format('create index on %s (%I)', foreign_key.keyed, foreign_key.attname);
    end loop;
end $$;
