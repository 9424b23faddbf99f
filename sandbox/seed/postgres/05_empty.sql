-- Tables are loaded side by side, each before what it names may be there; 91_foreign_keys.sql adds the keys again.
do $$
declare
    foreign_key record;
begin
    for foreign_key in select conrelid::regclass as keyed, conname from pg_constraint where contype = 'f' loop
        execute format('alter table %s drop constraint %I', foreign_key.keyed, foreign_key.conname);
    end loop;
end $$;

truncate
    "User", "Model", "ModelVersion", "Post", "Image", "Article", "Bounty", "BountyEntry", "Collection", "Tag", "Thread",
    "DonationGoal", "ImageReaction", "ArticleReaction", "BountyEntryReaction", "ResourceReview", "Comment", "CommentV2",
    "CollectionItem", "CollectionContributor", "ImageResourceNew", "BuzzTip", "Donation", "UserEngagement",
    "TagEngagement", "ArticleEngagement", "BountyEngagement", "BountyBenefactor",
    "UserMetric", "ModelMetric", "ModelVersionMetric", "PostMetric", "ImageMetric", "CollectionMetric", "TagMetric",
    "ArticleMetric", "BountyMetric", "BountyEntryMetric"
restart identity;
