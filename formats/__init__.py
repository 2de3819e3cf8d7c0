"""How records are read and scores are written. A ground room: no Redis, no Celery, no TensorFlow."""
