{# Reactions to images count for the image, for its post and for its owner. #}

with reaction as (
    select
        reactions.imageId as imageId,
        images.postId as postId,
        images.userId as ownerId,
        reactions.userId as userId,
        reactions.reaction as reaction,
        reactions.createdAt as createdAt
    from {{ ref('stg_image_reaction') }} as reactions
    inner join {{ ref('stg_image') }} as images on reactions.imageId = images.id
)

{{ metric_events('reaction', [
    metric('User', 'UserImageReaction', entity_id='ownerId'),

    metric('Post', 'ReactionLike', entity_id='postId', when="reaction = 'Like'"),
    metric('Post', 'ReactionDislike', entity_id='postId', when="reaction = 'Dislike'"),
    metric('Post', 'ReactionLaugh', entity_id='postId', when="reaction = 'Laugh'"),
    metric('Post', 'ReactionCry', entity_id='postId', when="reaction = 'Cry'"),
    metric('Post', 'ReactionHeart', entity_id='postId', when="reaction = 'Heart'"),

    metric('Image', 'ReactionLike', entity_id='imageId', when="reaction = 'Like'", entity_joined=true),
    metric('Image', 'ReactionLaugh', entity_id='imageId', when="reaction = 'Laugh'", entity_joined=true),
    metric('Image', 'ReactionCry', entity_id='imageId', when="reaction = 'Cry'", entity_joined=true),
    metric('Image', 'ReactionHeart', entity_id='imageId', when="reaction = 'Heart'", entity_joined=true),
]) }}
