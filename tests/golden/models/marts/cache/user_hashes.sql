select
    concat('user:metrics:', toString(userId)) as key,
    userId as id,
    mapFilter(
        (name, value) -> value != 0,
        map(
                'followers', toDecimal128(followers, 2),
                'following', toDecimal128(following, 2),
                'hidden', toDecimal128(hidden, 2),
                'reviews', toDecimal128(reviews, 2),
                'tipCountGiven', toDecimal128(tipCountGiven, 2),
                'tipAmountGiven', toDecimal128(tipAmountGiven, 2),
                'models', toDecimal128(models, 2),
                'modelVersions', toDecimal128(modelVersions, 2),
                'posts', toDecimal128(posts, 2),
                'images', toDecimal128(images, 2),
                'articles', toDecimal128(articles, 2),
                'bounties', toDecimal128(bounties, 2),
                'bountyEntries', toDecimal128(bountyEntries, 2),
                'downloads', toDecimal128(downloads, 2),
                'generations', toDecimal128(generations, 2),
                'thumbsUp', toDecimal128(thumbsUp, 2),
                'thumbsDown', toDecimal128(thumbsDown, 2),
                'reviewsReceived', toDecimal128(reviewsReceived, 2),
                'comments', toDecimal128(comments, 2),
                'imageComments', toDecimal128(imageComments, 2),
                'articleComments', toDecimal128(articleComments, 2),
                'collections', toDecimal128(collections, 2),
                'imageReactions', toDecimal128(imageReactions, 2),
                'articleReactions', toDecimal128(articleReactions, 2),
                'bountyEntryReactions', toDecimal128(bountyEntryReactions, 2),
                'tipCount', toDecimal128(tipCount, 2),
                'tipAmount', toDecimal128(tipAmount, 2),
                'earned', toDecimal128(earned, 2),
                'reactions', toDecimal128(reactions, 2),
                'engagementScore', toDecimal128(engagementScore, 2)
        )
    ) as fields
from `metrics`.`user_metrics`
