"""What an operator reads for a profile's columns and life-cycle stages, in English and Chinese. Computes nothing."""

from collections.abc import Mapping

COLUMNS: Mapping[str, tuple[str, str]] = {
    "customer_id": ("customer", "顾客编号"),
    "as_of": ("as of", "截至"),
    "language": ("language", "语言"),
    "time_zone": ("time zone", "时区"),
    "first_name": ("first name", "名字"),
    "city": ("city", "城市"),
    "points": ("points", "积分"),
    "traits": ("what she told us", "她告诉我们的"),
    "first_seen_at": ("first seen", "首次出现"),
    "last_seen_at": ("last seen", "最近出现"),
    "orders": ("number of orders", "订单数"),
    "first_order_at": ("first order", "首次下单"),
    "last_order_at": ("last order", "上次下单"),
    "recency_days": ("days since the last order", "距上次下单天数"),
    "tenure_days": ("days since the first order", "距首次下单天数"),
    "inter_purchase_days": ("days between orders", "平均下单间隔天数"),
    "revenue_minor": ("revenue (minor units)", "累计消费（分）"),
    "foreign_orders": ("orders in other currencies", "其他币种订单数"),
    "average_order_minor": ("average order (minor units)", "客单价（分）"),
    "discount_share": ("share of discounts", "折扣占比"),
    "views": ("products viewed lately", "近期浏览数"),
    "carts": ("products added lately", "近期加购数"),
    "categories": ("affinity to categories", "品类偏好"),
    "brands": ("affinity to brands", "品牌偏好"),
    "top_category": ("favourite category", "最爱品类"),
    "top_brand": ("favourite brand", "最爱品牌"),
    "top_product": ("favourite product", "最爱商品"),
    "messages_received": ("messages received", "收到消息数"),
    "messages_opened": ("messages opened", "打开消息数"),
    "messages_clicked": ("messages clicked", "点击消息数"),
    "preferred_channel": ("preferred channel", "偏好渠道"),
    "lifecycle_stage": ("life-cycle stage", "生命周期阶段"),
}
"""By the column's name: (English, Chinese)."""
STAGES: Mapping[str, tuple[str, str]] = {
    "prospect": ("prospect", "潜在顾客"),
    "new": ("new", "新客"),
    "active": ("active", "活跃"),
    "loyal": ("loyal", "忠诚"),
    "at_risk": ("at risk", "有流失风险"),
    "lapsed": ("lapsed", "已流失"),
}
"""By the stage's name, in the order of a customer's life: (English, Chinese)."""
