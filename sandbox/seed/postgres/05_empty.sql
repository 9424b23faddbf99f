truncate
    "User", "Model", "ModelVersion", "Post", "Image", "Article", "Bounty", "BountyEntry", "Collection", "Tag", "Thread",
    "DonationGoal", "ImageReaction", "ArticleReaction", "BountyEntryReaction", "ResourceReview", "Comment", "CommentV2",
    "CollectionItem", "CollectionContributor", "ImageResourceNew", "BuzzTip", "Donation", "UserEngagement",
    "TagEngagement", "ArticleEngagement", "BountyEngagement", "BountyBenefactor",
    "UserMetric", "ModelMetric", "ModelVersionMetric", "PostMetric", "ImageMetric", "CollectionMetric", "TagMetric",
    "ArticleMetric", "BountyMetric", "BountyEntryMetric"
restart identity;
