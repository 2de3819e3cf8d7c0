"""The model room: train, checkpoint, restore, freeze and inspect graphs with `tf.compat.v1`. No Celery, no Redis."""
